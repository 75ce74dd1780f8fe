//! `UPSTREAM=poll` where no stream can be opened: each command hears LaunchDarkly by polling.

use crate::ask;
use crate::process::Program;
use crate::world::{World, flag};

/// The program where nothing answers at `STREAM_URI`.
fn polling(world: &World, arguments: &[&str]) -> Program {
    world
        .program(arguments)
        .set("STREAM_URI", "http://127.0.0.1:9")
        .set("UPSTREAM", "poll")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_hears_by_polling() {
    let world = World::with_flags(3).await;
    let end = polling(&world, &["sync"]).output().await;
    assert_eq!(end.code, Some(0), "{end:?}");
    world.assert_equal();
    let end = polling(&world, &["verify"]).output().await;
    assert_eq!((end.code, &*end.stdout), (Some(0), "production: same\n"));
    let end = polling(&world, &["doctor"]).output().await;
    assert!(
        end.stdout.contains("LaunchDarkly accepts the SDK key"),
        "{end:?}"
    );
    assert!(!end.stdout.contains("needs the stream"), "{end:?}");
    world.production.put_flag(&flag("flag-0001", 3));
    let end = polling(&world, &["sync", "--dry-run"]).output().await;
    assert!(end.stdout.contains("flag-0001"), "{end:?}");

    let relay = polling(&world, &["run"]).start();
    let (work, admin) = relay.ports().await;
    let current =
        |it: &ask::Answer| it.json()["environments"]["production"]["sync"]["upToDate"] == true;
    let status = ask::until(admin, "/status", current).await.json();
    assert_eq!(status["status"], "healthy");
    let of = &status["environments"]["production"];
    assert_eq!(of["connectionStatus"]["state"], "VALID");
    world.assert_equal();
    let ready = ask::get(work, "/readyz").await;
    assert_eq!((ready.status, &*ready.body), (200, "ready\n"));
    assert_eq!(relay.stop().await.code, Some(0));
    assert_eq!(world.production.seen().attempts, 0, "no stream was opened");
}

/// The message names the setting that matters, and what the operator has to look at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_polling_api_cannot_be_reached_the_sentence_names_its_setting() {
    let world = World::with_flags(3).await;
    let end = polling(&world, &["verify"])
        .set("BASE_URI", "http://127.0.0.1:9")
        .output()
        .await;
    assert_eq!(end.code, Some(2), "{end:?}");
    assert!(
        end.stdout
            .contains("check BASE_URI, PROXY_URL and the network"),
        "{end:?}"
    );
}
