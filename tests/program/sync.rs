//! `sync`: what it writes, what it holds, and that `--dry-run` says so before.

use std::collections::BTreeSet;

use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::simulator::Items;
use ld_dynamodb_relay::simulator::store::{Fault, Operation, RequestOutcome, Row, StoreRefusal};
use serde_json::Value;

use crate::process::Output;
use crate::world::{PREFIX, TABLE, World, flag, large_flag};

async fn sync(world: &World, arguments: &[&str]) -> Output {
    let arguments = [&["sync"], arguments].concat();
    world.program(&arguments).output().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_when_all_is_equal_and_says_what_it_wrote() {
    let world = World::with_flags(3).await;
    let end = sync(&world, &[]).await;
    assert_eq!(
        (end.code, &*end.stdout),
        (Some(0), "production: 3 written; equal\n")
    );
    world.assert_equal();
    world.production.put_flag(&flag("flag-0001", 3));
    let end = sync(&world, &["--json"]).await;
    assert_eq!(end.code, Some(0), "{end:?}");
    let of = &end.json()["environments"][0];
    assert_eq!(
        (&of["environment"], &of["equal"]),
        (&"production".into(), &true.into())
    );
    assert_eq!(
        (&of["written"], &of["held"]),
        (&1.into(), &Value::Array(vec![]))
    );
    world.store.reset_counts();
    let end = sync(&world, &[]).await;
    assert_eq!(
        (end.code, &*end.stdout),
        (Some(0), "production: 0 written; equal\n")
    );
    assert_eq!(world.store.counts().writes(), 0);
}

/// What a dry run says that it would write: action and key.
fn planned(end: &Output) -> BTreeSet<(String, String)> {
    let document = end.json();
    let writes = document["environments"][0]["would_write"].as_array();
    let text = |value: &Value| value.as_str().unwrap_or("the marker").to_owned();
    let step = |it: &Value| (text(&it["action"]), text(&it["key"]));
    writes.unwrap().iter().map(step).collect()
}

/// An environment that was restored from a backup, before a table that somebody else wrote to as well.
async fn restored() -> World {
    let world = World::filled(6).await;
    let mut before = Items::default();
    for key in ["flag-0000", "flag-0001", "flag-0002", "flag-0003"] {
        before.insert(Kind::Flag, flag(key, 1));
    }
    before.insert(Kind::Flag, flag("flag-0004", 9));
    before.insert(Kind::Flag, flag("new", 1));
    before.insert(Kind::Flag, large_flag("large", 1));
    world.production.replace(before);
    let marker = format!("{PREFIX}:$inited");
    world.store.delete_row(TABLE, &marker, &marker).unwrap();
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_writes_nothing_and_says_what_a_real_one_then_does() {
    let world = restored().await;
    let text = sync(&world, &["--dry-run"]).await;
    let dry = sync(&world, &["--dry-run", "--json"]).await;
    assert_eq!((text.code, dry.code), (Some(0), Some(0)), "{dry:?}");
    assert_eq!(world.store.counts().writes(), 0);
    for line in [
        "would put flag flag-0003: version 2 to 1",
        "would put flag flag-0004: version 2 to 9",
        "would put flag new: version none to 1",
        "would delete flag flag-0005: version 2 to 2",
        "would write the marker",
        "would hold flag large: too_large: its row would have",
    ] {
        assert!(text.stdout.contains(line), "{line} in {text:?}");
    }

    let real = sync(&world, &["--json"]).await;
    assert_eq!(real.code, Some(1), "one is too large: {real:?}");
    let log = world.store.log();
    let written = log.iter().filter(|it| it.request.operation.writes());
    assert!(
        written
            .clone()
            .all(|it| it.outcome == RequestOutcome::Accepted)
    );
    let written: BTreeSet<_> = written
        .map(|it| it.request.key.clone().unwrap())
        .map(|key| {
            if key.contains('$') {
                "the marker".into()
            } else {
                key
            }
        })
        .collect();
    let planned: BTreeSet<_> = planned(&dry).into_iter().map(|(_, key)| key).collect();
    assert_eq!(planned, written);
    assert_eq!(planned.len(), 8);
    let of = &real.json()["environments"][0];
    assert_eq!(of["held"][0]["key"], "large");
    assert_eq!(of["held"][0]["reason"], "too_large");
    // Restored versions come through by themselves, and what is not there any more is deleted.
    assert_eq!(world.row("flag-0002").unwrap().version(), Some(1));
    assert_eq!(world.live_flags(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_brake_holds_until_the_number_of_removals_is_confirmed() {
    let world = World::filled(30).await;
    world.production.quietly(|items| {
        for number in 5..30 {
            items.remove(&ItemKey::flag(format!("flag-{number:04}")));
        }
    });
    let way_out = "if they are right: sync --confirm-removals 25";
    let dry = sync(&world, &["--dry-run"]).await;
    assert!(dry.stdout.contains(way_out), "{dry:?}");
    let wrong = ["--confirm-removals", "24"];
    let (none, wrong) = tokio::join!(sync(&world, &[]), sync(&world, &wrong));
    for end in [none, wrong] {
        assert_eq!(end.code, Some(1), "{end:?}");
        let told = format!("production: 0 written; the brake holds 25 removals; {way_out}");
        assert!(end.stdout.starts_with(&told), "{end:?}");
    }
    assert_eq!(world.live_flags(), 30);
    let end = sync(&world, &["--confirm-removals", "25"]).await;
    assert_eq!(
        (end.code, &*end.stdout),
        (Some(0), "production: 25 written; equal\n")
    );
    world.assert_equal();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_of_removals_is_confirmed_for_one_environment_only() {
    let world = World::filled(3).await;
    world.store.reset_counts();
    for more in [&[][..], &["--dry-run"]] {
        let arguments = [&["sync", "--confirm-removals", "25"], more].concat();
        let end = world
            .program(&arguments)
            .set("LD_ENV_staging", "sdk-00000000-0000-4000-8000-000000000002")
            .set("LD_PREFIX_staging", "stage")
            .output()
            .await;
        assert_eq!((end.code, &*end.stdout), (Some(2), ""), "{end:?}");
        assert!(
            end.stderr
                .contains("is for one environment, and 2 are configured"),
            "{end:?}"
        );
    }
    assert_eq!(world.store.log().len(), 0, "nothing is asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_told_and_the_end_is_1() {
    let world = World::with_flags(2).await;
    let end = world
        .program(&["sync"])
        .set("LD_ENV_production", "sdk-not-known")
        .output()
        .await;
    assert_eq!(end.code, Some(1), "{end:?}");
    assert!(end.stdout.contains("LaunchDarkly answered 401"), "{end:?}");
    assert!(!end.stdout.contains("sdk-not"), "{end:?}");

    let denied = Fault::refuse(StoreRefusal::AccessDenied).on(Operation::PutItem);
    let denied = world.store.inject(denied);
    let end = sync(&world, &["--json"]).await;
    assert_eq!(end.code, Some(1), "{end:?}");
    let of = &end.json()["environments"][0];
    assert_eq!(of["equal"], false);
    assert!(
        of["reason"]
            .as_str()
            .unwrap()
            .contains("grant dynamodb:PutItem")
    );
    denied.withdraw();

    world.store.stop().await;
    let end = world.program(&["sync"]).set("INIT_TIMEOUT", "1s");
    let end = end.output().await;
    assert_eq!(end.code, Some(1), "{end:?}");
    assert!(end.stdout.starts_with("production: 0 written; "), "{end:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_stop_it_finishes_what_it_began_and_says_so() {
    let world = World::with_flags(50).await;
    world.store.limit(Some(5.0));
    let sync = world.program(&["sync"]).start();
    world.store.wait_for_requests(10).await;
    let end = sync.stop().await;
    assert_eq!(end.code, Some(1), "{end:?}");
    assert!(
        end.stdout.contains("asked to stop before it was done"),
        "{end:?}"
    );
    assert!(!world.is_marked());
    let stored = world.live_flags();
    assert!(
        end.stdout
            .contains(&format!("production: {stored} written")),
        "{end:?}"
    );
}

/// A row of somebody else's is no reason to end before it was compared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_altered_is_brought_back() {
    let world = World::filled(3).await;
    let altered = Row::new(format!("{PREFIX}:features"), "flag-0001").at_version(2);
    world.store.put_row(TABLE, altered.holding("{}")).unwrap();
    let end = sync(&world, &[]).await;
    assert_eq!(
        (end.code, &*end.stdout),
        (Some(0), "production: 1 written; equal\n")
    );
    world.assert_equal();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_environment_is_told_of_in_one_document() {
    let world = World::with_flags(1).await;
    // Nothing before an empty table is all that is needed.
    world.launchdarkly.environment("sdk-empty");
    let program = |arguments: &[&str]| {
        let program = world.program(arguments);
        let program = program.set("LD_ENV_empty", "sdk-empty");
        let program = program.set("LD_PREFIX_empty", "empty");
        let program = program.set("LD_ENV_refused", "sdk-not-known");
        program.set("LD_PREFIX_refused", "refused")
    };
    let dry = program(&["sync", "--dry-run", "--json"]).output().await;
    let real = program(&["sync", "--json"]).output().await;
    for end in [&dry, &real] {
        assert_eq!(end.code, Some(1), "one of them failed: {end:?}");
        let document = end.json();
        let names = document["environments"].as_array().unwrap().iter();
        let names: BTreeSet<_> = names
            .map(|it| it["environment"].as_str().unwrap())
            .collect();
        assert_eq!(names, BTreeSet::from(["empty", "production", "refused"]));
    }
    let document = real.json();
    let equal = document["environments"].as_array().unwrap().iter();
    assert_eq!(
        equal.filter(|it| it["equal"] == true).count(),
        2,
        "{document}"
    );
    world.assert_equal();
    let marker = "empty:$inited";
    assert!(world.store.row(TABLE, marker, marker).unwrap().is_some());
}
