//! Commands that do their work once, for the environments that LaunchDarkly lists.

use std::collections::BTreeSet;

use ld_dynamodb_relay::simulator::Behaviour;
use serde_json::Value;

use crate::process::Output;
use crate::rostered::{AUTO_CONFIG_KEY, PRODUCTION, Rostered, STAGING, assert_ended, sdk_key};
use crate::world::flag;

async fn end(it: &Rostered, arguments: &[&str]) -> Output {
    it.program(arguments).output().await
}

/// The environments of a JSON document, by name.
fn environments(end: &Output) -> Vec<Value> {
    let document = end.json();
    document["environments"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_environment_of_the_list_is_brought_up_to_date() {
    let it = Rostered::new().await;
    assert_ended(&end(&it, &["verify"]).await, 1);
    let dry = end(&it, &["sync", "--dry-run"]).await;
    assert_ended(&dry, 0);
    for id in [PRODUCTION, STAGING] {
        assert!(dry.stdout.contains(id), "{dry:?}");
    }
    assert_eq!(it.world.store.counts().writes(), 0);

    let synced = end(&it, &["sync"]).await;
    assert_ended(&synced, 0);
    let lines: BTreeSet<_> = synced.stdout.lines().map(str::to_owned).collect();
    let equal = |id| format!("{id}: 1 written; equal");
    assert_eq!(lines, BTreeSet::from([PRODUCTION, STAGING].map(equal)));
    for id in [PRODUCTION, STAGING] {
        assert_eq!(it.stored(id, "first"), Some(flag("first", 2)));
    }
    let verified = end(&it, &["verify"]).await;
    assert_ended(&verified, 0);
    let synced = end(&it, &["sync", "--json"]).await;
    assert_ended(&synced, 0);
    let equal = environments(&synced);
    assert_eq!(equal.len(), 2);
    assert!(equal.iter().all(|of| of["equal"] == true), "{equal:?}");
    let doctor = end(&it, &["doctor"]).await;
    assert_ended(&doctor, 0);
    let roster = "ok       all environments: roster: LaunchDarkly lists 2 environments";
    assert!(doctor.stdout.contains(roster), "{doctor:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_cannot_be_used_is_named_and_the_others_are_brought_up_to_date() {
    let it = Rostered::new().await;
    it.add("keyless", "keyless");
    it.roster.change("keyless", |members| {
        members.insert("sdkKey".into(), serde_json::json!({"value": ""}));
    });
    let why = "it has no default SDK key (`sdkKey.value`)";
    let named = format!("keyless: {why}");
    for (arguments, code) in [
        (&["sync", "--dry-run"][..], 1),
        (&["sync"], 1),
        (&["verify"], 2),
    ] {
        let end = end(&it, arguments).await;
        assert_ended(&end, code);
        assert!(end.stdout.contains(why), "{arguments:?}: {end:?}");
        assert!(end.stdout.contains("keyless: "), "{arguments:?}: {end:?}");
    }
    for id in [PRODUCTION, STAGING] {
        assert_eq!(it.stored(id, "first"), Some(flag("first", 2)));
    }
    let doctor = end(&it, &["doctor"]).await;
    assert_ended(&doctor, 1);
    let told = format!("failed   all environments: roster: {named}");
    assert!(doctor.stdout.contains(&told), "{doctor:?}");
    let synced = end(&it, &["sync", "--json"]).await;
    assert_ended(&synced, 1);
    let of = environments(&synced);
    let of = of.iter().find(|it| it["environment"] == "keyless").unwrap();
    assert_eq!((&of["equal"], &of["reason"]), (&false.into(), &why.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_environment_that_is_refused_fails_the_whole() {
    let it = Rostered::new().await;
    it.roster
        .environment(STAGING)
        .always(Behaviour::status(401));
    let synced = end(&it, &["sync"]).await;
    assert_ended(&synced, 1);
    let equal = format!("{PRODUCTION}: 1 written; equal\n");
    assert!(synced.stdout.contains(&equal), "{synced:?}");
    let refused = format!("{STAGING}: 0 written; LaunchDarkly answered 401");
    assert!(synced.stdout.contains(&refused), "{synced:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_list_in_time_it_is_an_error_that_says_so() {
    let it = Rostered::new().await;
    it.roster.always(Behaviour::silence());
    let late = "LaunchDarkly did not say within INIT_TIMEOUT which environments there are";
    for (command, code) in [("sync", 1), ("verify", 2)] {
        let program = it.program(&[command]).set("INIT_TIMEOUT", "1s");
        let end = program.output().await;
        assert_ended(&end, code);
        assert!(end.stderr.contains(late), "{command}: {end:?}");
    }
    let program = it.program(&["run"]).set("INIT_TIMEOUT", "1s");
    let end = program.set("EXIT_ALWAYS", "true").output().await;
    assert_ended(&end, 1);
    let logged = end.json();
    assert_eq!(
        (&logged["message"], &logged["detail"]),
        (&"no environment was synchronised".into(), &late.into())
    );
    it.roster.always(Behaviour::status(401));
    for (command, code) in [("sync", 1), ("verify", 2), ("doctor", 1)] {
        let program = it.program(&[command]).set("INIT_TIMEOUT", "1s");
        let end = program.output().await;
        assert_ended(&end, code);
        let told = format!("{}{}", end.stdout, end.stderr);
        let why = format!("{late}: LaunchDarkly answered 401: it does not accept AUTO_CONFIG_KEY");
        assert!(told.contains(&why), "{command}: {end:?}");
    }
    assert_eq!(it.world.store.counts().writes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removals_are_not_confirmed_by_a_number_alone() {
    let it = Rostered::new().await;
    let end = end(&it, &["sync", "--confirm-removals", "25"]).await;
    assert_ended(&end, 2);
    let why = "AUTO_CONFIG_KEY or FILE_DATA_SOURCE may name several";
    assert!(end.stderr.contains(why), "{end:?}");
    assert_eq!(it.roster.connections(), 0, "nothing is asked");
}

#[tokio::test]
async fn the_settings_are_printed_without_the_key() {
    let it = Rostered::empty().await;
    for json in [&["config"][..], &["config", "--json"]] {
        let end = end(&it, json).await;
        assert_ended(&end, 0);
        assert!(end.stdout.contains(&AUTO_CONFIG_KEY[36..]), "{end:?}");
        assert!(end.stdout.contains("$CID"), "{end:?}");
    }
    let nowhere = it.program(&["config"]).unset("ENV_DATASTORE_PREFIX");
    let nowhere = nowhere.output().await;
    assert_ended(&nowhere, 2);
    let both = it.program(&["config"]);
    let both = both.set("LD_ENV_production", &sdk_key(PRODUCTION));
    let both = both.output().await;
    assert_ended(&both, 2);
    for (end, why) in [
        (nowhere, "each environment needs a place of its own"),
        (both, "this says which environments there are"),
    ] {
        assert!(end.stdout.contains(why), "{end:?}");
    }
}
