//! Of an event that cannot be read nothing is applied, and the connection is opened again; a bad item in a good set is set
//! aside alone. Rows of the table of faults: 3 to 5, 7, 10, 14, 15, 19.

use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::simulator::{Behaviour, huge};
use ld_dynamodb_relay::status::{ErrorKind, HeldReason, SourcePhase};

use crate::support::several::Several;
use crate::support::{Relay, TABLE, World, flag, flag_with, flags, log};

/// Sends each environment its event after everything was settled, and sees it reconnect with nothing applied.
async fn each_makes_it_reconnect(cases: &[(&str, &str, &str)]) {
    let several = Several::new(cases.iter().map(|(name, ..)| *name)).await;
    let relay = several.relay().await;
    relay.all_settled().await;
    several.store.reset_counts();
    for ((_, event, data), environment) in cases.iter().zip(&several.environments) {
        environment.send_event(event, data);
    }
    for (index, environment) in several.environments.iter().enumerate() {
        environment.wait_for_connections(2).await;
        relay
            .until_of(index, "connected again", |facts| {
                facts.source.0 == SourcePhase::Connected && facts.last_error.is_some()
            })
            .await;
        let error = relay.statuses[index].facts().last_error.unwrap();
        assert_eq!(error.kind, ErrorKind::InvalidData, "{}", cases[index].0);
        several.assert_equal(index);
        let delay = log::delays(cases[index].0)[0];
        assert!((500..=1_000).contains(&delay), "{delay} ms");
    }
    assert_eq!(several.store.counts().writes(), 0, "nothing was applied");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_03_what_is_no_json_makes_it_reconnect() {
    each_makes_it_reconnect(&[
        (
            "row-03-put",
            "put",
            r#"{"path":"/","data":{"flags":{"a":{"key":"a","vers"#,
        ),
        (
            "row-03-patch",
            "patch",
            r#"{"path":"/flags/first","data":{"key":"first","version":2"#,
        ),
        (
            "row-03-delete",
            "delete",
            r#"{"path":"/flags/first","version":2"#,
        ),
        ("row-03-empty", "put", ""),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_04_json_of_another_shape_makes_it_reconnect() {
    each_makes_it_reconnect(&[
        ("row-04-put", "put", r#"{"path":"/"}"#),
        (
            "row-04-flags",
            "put",
            r#"{"path":"/","data":{"flags":[],"segments":{}}}"#,
        ),
        (
            "row-04-path",
            "patch",
            r#"{"data":{"key":"first","version":2}}"#,
        ),
        ("row-04-data", "patch", r#"{"path":"/flags/first"}"#),
        (
            "row-04-version",
            "delete",
            r#"{"path":"/flags/first","version":"2"}"#,
        ),
        ("row-04-none", "delete", r#"{"path":"/flags/first"}"#),
        ("row-04-array", "patch", "[]"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_05_a_patch_with_a_bad_item_makes_it_reconnect() {
    each_makes_it_reconnect(&[
        (
            "row-05-version",
            "patch",
            r#"{"path":"/flags/first","data":{"key":"first"}}"#,
        ),
        (
            "row-05-negative",
            "patch",
            r#"{"path":"/flags/first","data":{"key":"first","version":-2}}"#,
        ),
        (
            "row-05-text",
            "patch",
            r#"{"path":"/flags/first","data":{"key":"first","version":"2"}}"#,
        ),
        (
            "row-05-object",
            "patch",
            r#"{"path":"/flags/first","data":7}"#,
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_15_a_patch_whose_path_names_another_key_makes_it_reconnect() {
    let other = format!(r#"{{"path":"/flags/first","data":{}}}"#, flag("second", 2));
    each_makes_it_reconnect(&[("row-15", "patch", &other)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_03_bad_data_twice_in_a_row_waits_long() {
    let several = Several::new(["row-03-twice"]).await;
    let bad = Behaviour::bytes("event: put\ndata: {\"path\":\n\n");
    several.environments[0].next_times(2, &bad);
    let relay = several.relay().await;
    several.environments[0].wait_for_attempts(2).await;
    relay
        .until("refused twice", |_| log::delays("row-03-twice").len() == 2)
        .await;
    let delays = log::delays("row-03-twice");
    assert!((500..=1_000).contains(&delays[0]), "{delays:?}");
    assert!(delays[1] >= 150_000, "{delays:?}");
    assert!(!relay.facts().said_everything);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_05_a_bad_item_in_a_put_is_set_aside_alone() {
    let world = World::with_flags(5).await;
    let relay = world.relay().await;
    relay.settled().await;
    let long = "k".repeat(1_025);
    world.production.quietly(|items| {
        items.insert_as(ItemKey::flag("flag-0"), r#"{"key":"flag-0","on":true}"#);
        items.insert_as(ItemKey::flag("flag-1"), "[1,2]");
        items.insert_as(ItemKey::flag("flag-2"), flag("flag-3", 9));
        items.insert(Kind::Flag, flag(&long, 1));
        items.insert(Kind::Flag, flag("flag-4", 2));
        items.insert(Kind::Flag, flag("flag-5", 1));
    });
    world
        .production
        .replace_and_announce(world.production.items());
    relay.written(7).await;
    let facts = relay.facts();
    for key in ["flag-0", "flag-1", "flag-2", &long] {
        let held = &facts.held[&ItemKey::flag(key)];
        assert_eq!(held.reason, HeldReason::Malformed);
    }
    assert_eq!(facts.held.len(), 4);
    for (number, version) in [(0, 1), (1, 1), (2, 1), (3, 1), (4, 2), (5, 1)] {
        let key = format!("flag-{number}");
        assert_eq!(world.stored("features", &key), Some(flag(&key, version)));
    }
    assert_eq!(world.production.seen().attempts, 1, "no reconnection");
    // Its bytes change: it is stored like any other.
    world.production.put_flag(&flag("flag-0", 2));
    relay.written(8).await;
    assert_eq!(world.stored("features", "flag-0"), Some(flag("flag-0", 2)));
    assert_eq!(relay.facts().held.len(), 3);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_07_an_event_above_the_limit_waits_long_and_keeps_what_is_stored() {
    let several = Several::new(["row-07-large", "row-07-small"]).await;
    let mut config = several.config();
    config.upstream.max_event_bytes = 100_000;
    let relay = Relay::start(config).await;
    relay.all_settled().await;
    let before = several.store.table(TABLE).unwrap();
    several.environments[0].replace_and_announce(huge(300_000));
    relay
        .until("refused", |facts| {
            facts
                .last_error
                .as_ref()
                .is_some_and(|error| error.kind == ErrorKind::InvalidData)
        })
        .await;
    let error = relay.facts().last_error.unwrap();
    assert!(
        error.message.contains("MAX_EVENT_BYTES"),
        "{}",
        error.message
    );
    assert!(log::delays("row-07-large")[0] >= 150_000);
    assert_eq!(several.store.table(TABLE).unwrap(), before);
    // The other environment goes on.
    several.environments[1].put_flag(&flag("first", 2));
    relay
        .until_of(1, "the patch", |facts| facts.written == 2)
        .await;
    several.assert_equal(1);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_10_null_is_absent() {
    let world = World::with_flags(2).await;
    world
        .production
        .quietly(|items| items.insert_as(ItemKey::flag("gone"), "null"));
    let relay = world.relay().await;
    relay.settled().await;
    assert_eq!(world.stored("features", "gone"), None);
    assert_eq!(world.stored("features", "flag-1"), Some(flag("flag-1", 1)));
    assert!(relay.facts().held.is_empty());
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_14_what_we_do_not_know_is_ignored_without_reconnecting() {
    let world = World::with_flags(2).await;
    let relay = world.relay().await;
    relay.settled().await;
    world.store.reset_counts();
    let said = [
        (
            "patch",
            r#"{"path":"/ai-configs/x","data":{"key":"x","version":1}}"#,
        ),
        ("delete", r#"{"path":"/ai-configs/x","version":1}"#),
        (
            "patch",
            r#"{"path":"/flags/","data":{"key":"","version":1}}"#,
        ),
        ("patch", r#"{"path":"/","data":{}}"#),
        (
            "put",
            r#"{"path":"/elsewhere","data":{"flags":{},"segments":{}}}"#,
        ),
        ("message", "hello"),
        ("reboot", "{not json"),
    ];
    for (event, data) in said {
        world.production.send_event(event, data);
    }
    world.production.send("data: without a name\n\n");
    world.production.put_flag(&flag("flag-0", 2));
    relay.written(3).await;
    assert_eq!(world.store.counts().writes(), 1, "the last one alone");
    assert_eq!(world.production.seen().attempts, 1);
    assert_eq!(relay.count("changes_ignored_total", &["unknown_event"]), 3);
    assert_eq!(relay.count("changes_ignored_total", &["unknown_kind"]), 5);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_19_bytes_that_are_no_text_make_it_reconnect() {
    let world = World::with_flags(1).await;
    let relay = world.relay().await;
    relay.settled().await;
    let (before, after) = flag_with("flag-0", 2, r#","name":"@""#)
        .split_once('@')
        .map(|(before, after)| (before.to_owned(), after.to_owned()))
        .unwrap();
    let mut patch =
        format!("event: patch\ndata: {{\"path\":\"/flags/flag-0\",\"data\":{before}").into_bytes();
    patch.push(0xff);
    patch.extend_from_slice(format!("{after}}}\n\n").as_bytes());
    world.production.send(patch);
    world.production.wait_for_connections(2).await;
    world.production.put_flag(&flag("flag-0", 3));
    relay.written(2).await;
    assert_eq!(relay.facts().written, 2, "version 2 was never stored");
    assert_eq!(
        relay.facts().last_error.unwrap().kind,
        ErrorKind::InvalidData
    );
    world.assert_equal();
    assert_eq!(flags(0..1, 3), world.production.items());
    relay.stop().await;
}
