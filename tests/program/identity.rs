//! A key that belongs to another environment: every command that looks says so, and none writes.

use ld_dynamodb_relay::simulator::store::{Attribute, Fault, Operation, Row, StoreRefusal};

use crate::world::{PREFIX, TABLE, World};

/// A table with three flags of the environment `ours`, and a key that belongs to `theirs` now.
async fn turned() -> World {
    let world = World::with_flags(3).await;
    world.production.set_id("ours");
    let synced = world.program(&["sync"]).output().await;
    assert_eq!(synced.code, Some(0), "{synced:?}");
    world.production.set_id("theirs");
    world.store.reset_counts();
    world
}

const REFUSED: &str = "the SDK key of `production` belongs to LaunchDarkly's environment theirs, but this prefix holds the data of ours; nothing is written. Check LD_ENV_production; if theirs is meant, set LD_CLIENT_SIDE_ID_production=theirs";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_says_that_the_key_is_another_environments() {
    let world = turned().await;
    for (arguments, code) in [
        (&["sync"][..], 1),
        (&["sync", "--dry-run"], 1),
        (&["verify"], 2),
        (&["doctor"], 1),
    ] {
        let end = world.program(arguments).output().await;
        assert_eq!(end.code, Some(code), "{arguments:?}: {end:?}");
        assert!(end.stdout.contains(REFUSED), "{arguments:?}: {end:?}");
        assert_eq!(world.store.counts().writes_accepted(), 0);
    }
    let doctor = world.program(&["doctor"]).output().await;
    let line = format!("failed   production: identity: {REFUSED}");
    assert!(doctor.stdout.contains(&line), "{doctor:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_setting_says_that_it_is_meant() {
    let world = turned().await;
    let told = |arguments: &[&str], id| {
        let program = world.program(arguments);
        program.set("LD_CLIENT_SIDE_ID_production", id).output()
    };
    for (arguments, text) in [
        (&["verify"][..], "production: same"),
        (&["sync", "--dry-run"], "production: nothing to write"),
        (
            &["doctor"],
            "ok       production: identity: the SDK key belongs to LaunchDarkly's environment theirs",
        ),
        (&["sync"], "production: 0 written; equal"),
    ] {
        let end = told(arguments, "theirs").await;
        assert_eq!(end.code, Some(0), "{end:?}");
        assert!(end.stdout.contains(text), "{end:?}");
    }
    let name = format!("{PREFIX}:$identity");
    let row = Row::new(&*name, &*name).with("environmentId", Attribute::S("theirs".into()));
    assert_eq!(world.store.row(TABLE, &name, &name).unwrap(), Some(row));
    let end = told(&["verify"], "ours").await;
    assert_eq!(end.code, Some(2), "{end:?}");
    let why = "but LD_CLIENT_SIDE_ID_production says ours";
    assert!(end.stdout.contains(why), "{end:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_without_one_of_the_partitions_is_found_by_the_doctor() {
    let world = World::filled(1).await;
    for name in ["features", "segments", "$inited", "$identity"] {
        let partition = format!("{PREFIX}:{name}");
        let denied = Fault::refuse(StoreRefusal::AccessDenied).on(Operation::PutItem);
        let denied = world.store.inject(denied.in_namespace(&*partition));
        let end = world.program(&["doctor"]).output().await;
        assert_eq!(end.code, Some(1), "{end:?}");
        let must = format!(
            "grant dynamodb:PutItem on it to this role, or mend its credentials; if its policy is limited to leading keys, they must include {partition}\n"
        );
        assert!(end.stdout.contains(&must), "{end:?}");
        denied.withdraw();
    }
    assert_eq!(world.store.counts().writes_accepted(), 0);
}
