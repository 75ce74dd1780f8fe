//! The status page in a real browser, which `make page` installs: what a person sees of a running relay, and what they can do
//! there. The browser is driven by `tests/page/run.mjs`, which asks for what LaunchDarkly or the relay is to do meanwhile.
#![cfg(feature = "interop")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may")]

#[path = "page/stage.rs"]
mod stage;

#[expect(dead_code, reason = "what other tests of the program need too")]
#[path = "program/process.rs"]
mod process;
#[expect(dead_code, reason = "what other tests of the program need too")]
#[path = "program/world.rs"]
mod world;

use ld_dynamodb_relay::model::{ItemKey, Kind};

use stage::{AUTO_CONFIG_KEY, Stage, TOKEN};
use world::{World, flag, large_flag};

/// With 25 of 30 flags gone at LaunchDarkly, which the brake holds.
async fn braked() -> World {
    let world = World::filled(30).await;
    world.production.quietly(|items| {
        for number in 5..30 {
            items.remove(&ItemKey::flag(format!("flag-{number:04}")));
        }
    });
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_arrive_without_loading_the_page_again() {
    let world = World::with_flags(3).await;
    Stage::new(world, |program| program)
        .await
        .play("live")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_stream_is_nobodys_trouble() {
    let world = World::with_flags(3).await;
    Stage::new(world, |program| program)
        .await
        .play("quiet")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removals_are_confirmed_with_the_keyboard_alone() {
    let stage = Stage::new(braked().await, |program| program).await;
    stage.play("keyboard").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_elsewhere_removals_are_confirmed_with_the_token() {
    let with_token = |program: process::Program| program.set("ADMIN_TOKEN", TOKEN);
    let stage = Stage::new(braked().await, with_token).await;
    stage.play("token").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_javascript_the_page_is_whole_and_orders_are_taken() {
    let stage = Stage::new(braked().await, |program| program).await;
    stage.play("plain").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn environments_that_launchdarkly_lists_come_and_go_on_the_page() {
    let world = World::new().await;
    let roster = world.launchdarkly.auto_configuration(AUTO_CONFIG_KEY);
    for id in ["5f01", "5f02"] {
        roster.environment(id).quietly(|items| {
            items.insert(Kind::Flag, flag("first", 1));
        });
        roster.add(id, "harbor", id);
    }
    roster.change("5f02", |members| {
        members.insert("projName".into(), "The Harbor".into());
        let name = "<script>alert(1)</script>";
        members.insert("envName".into(), name.into());
    });
    let with_roster = |program: process::Program| {
        let program = program
            .unset("LD_ENV_production")
            .unset("LD_PREFIX_production");
        program
            .set("AUTO_CONFIG_KEY", AUTO_CONFIG_KEY)
            .set("ENV_DATASTORE_PREFIX", "$CID")
    };
    Stage::new(world, with_roster).await.play("roster").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_environments_are_searched_and_the_worst_are_first() {
    // `production` holds removals, and 99 stand beside it: one refused, one with an item that is too large, one with a
    // name that would like to be more than a name.
    let world = braked().await;
    let names: Vec<_> = (0..98).map(|number| format!("team-{number:02}")).collect();
    let hostile = "\"><script>alert(1)</script>&amp;".to_owned();
    let mut settings = Vec::new();
    for (number, name) in names.into_iter().chain([hostile]).enumerate() {
        let key = format!("sdk-{number:08}-0000-4000-8000-000000000000");
        if number != 17 {
            let environment = world.launchdarkly.environment(&key);
            environment.quietly(|items| {
                for at in 0..=number % 7 {
                    items.insert(Kind::Flag, flag(&format!("flag-{at}"), 3));
                }
                if number == 42 {
                    items.insert(Kind::Flag, large_flag("far-too-large", 4));
                }
            });
        }
        settings.push((format!("LD_ENV_{name}"), key));
        settings.push((format!("LD_PREFIX_{name}"), format!("team{number}")));
    }
    let stage = Stage::new(world, move |program| {
        let set =
            |program: process::Program, (name, value): &(String, String)| program.set(name, value);
        settings.iter().fold(program, set)
    });
    stage.await.play("hundred").await;
}
