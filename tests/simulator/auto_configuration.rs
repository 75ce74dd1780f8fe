//! The simulated auto-configuration, asked as we ask it.

use std::time::Duration;

use ld_dynamodb_relay::roster::{Roster, RosterMessage, Templates, read};
use ld_dynamodb_relay::simulator::launchdarkly::Key;
use ld_dynamodb_relay::simulator::{ANY_PORT, AutoConfiguration, Behaviour, LaunchDarkly};
use serde_json::json;

use crate::asking::{Asking, ask};

const KEY: &str = "rel-0001";
const PATH: &str = "/relay_auto_config?rpacProtocolVersion=2";
/// Later than any test, in milliseconds since 1970.
const EVER: u64 = 4_000_000_000_000;

async fn launchdarkly() -> (LaunchDarkly, AutoConfiguration) {
    let launchdarkly = LaunchDarkly::start(ANY_PORT).await.unwrap();
    let auto = launchdarkly.auto_configuration(KEY);
    (launchdarkly, auto)
}

async fn listening(launchdarkly: &LaunchDarkly) -> Asking {
    Asking::of(launchdarkly, PATH, KEY).await
}

/// The status with which the streams and polls of this key are answered; they are the same.
async fn status(launchdarkly: &LaunchDarkly, key: &str) -> u16 {
    let stream = ask(launchdarkly, "/all", key).await.unwrap().status();
    let poll = ask(launchdarkly, "/sdk/latest-all", key).await.unwrap();
    assert_eq!(stream, poll.status());
    stream.as_u16()
}

#[tokio::test]
async fn a_stream_begins_with_everything_and_goes_on_with_changes() {
    let (launchdarkly, auto) = launchdarkly().await;
    auto.add("66f2", "harbor", "test");
    let mut listener = listening(&launchdarkly).await;
    let put = format!("event: put\ndata: {}\n\n", auto.to_put());
    listener.hears(&put).await;
    assert!(put.contains(r#""envKey":"test""#), "{put}");

    auto.add("66f3", "harbor", "production");
    listener.hears("event: patch").await;
    listener.hears(r#""path":"/environments/66f3""#).await;
    auto.remove("66f3");
    listener
        .hears("event: delete\ndata: {\"path\":\"/environments/66f3\",\"version\":2}\n\n")
        .await;
    auto.reconnect();
    listener.hears("event: reconnect\ndata:  \n\n").await;
    auto.send_heartbeat();
    listener.hears("\n\n:\n").await;
    auto.send("event: put\ndata: {\n\n");
    listener.hears("data: {\n\n").await;
    auto.close_all();
    listener.ends().await.unwrap();
}

#[tokio::test]
async fn another_key_and_another_protocol_are_refused() {
    let (launchdarkly, auto) = launchdarkly().await;
    auto.add("66f2", "harbor", "test");
    for (path, key, expected) in [
        (PATH, KEY, 200),
        (PATH, "rel-another", 401),
        (PATH, "sdk-66f2", 401),
        ("/relay_auto_config", KEY, 400),
        ("/all", KEY, 401),
    ] {
        let answer = ask(&launchdarkly, path, key).await.unwrap();
        assert_eq!(answer.status(), expected, "{path} {key}");
    }
    let requests = launchdarkly.requests();
    assert_eq!(requests[0].key, Key::EndingIn("0001".to_owned()));
    assert_eq!(requests[1].key, Key::Unknown);
}

#[tokio::test]
async fn an_environment_that_is_added_is_served_under_its_key() {
    let (launchdarkly, auto) = launchdarkly().await;
    assert_eq!(status(&launchdarkly, "sdk-66f2").await, 401);
    let environment = auto.add("66f2", "harbor", "test");
    environment.put_flag(r#"{"key":"a","version":1}"#);
    let mut listener = Asking::of(&launchdarkly, "/all", "sdk-66f2").await;
    listener.hears(r#""a":{"key":"a","version":1}"#).await;
    assert_eq!(listener.header("x-ld-envid"), "66f2");
    auto.remove("66f2");
    assert!(listener.ends().await.is_err(), "it is cut");
    assert_eq!(status(&launchdarkly, "sdk-66f2").await, 401);
    // It comes back as it was.
    auto.add("66f2", "harbor", "test");
    Asking::of(&launchdarkly, "/all", "sdk-66f2")
        .await
        .hears(r#""a":{"key":"a","version":1}"#)
        .await;
}

#[tokio::test]
async fn an_old_key_is_accepted_for_as_long_as_is_said() {
    let (launchdarkly, auto) = launchdarkly().await;
    let environment = auto.add("66f2", "harbor", "test");
    let mut listener = Asking::of(&launchdarkly, "/all", "sdk-66f2").await;
    auto.rotate_key("66f2", "sdk-2", Some(EVER));
    for (key, expected) in [("sdk-66f2", 200), ("sdk-2", 200)] {
        assert_eq!(status(&launchdarkly, key).await, expected, "{key}");
    }
    environment.send_heartbeat();
    listener.hears("\n\n:\n").await;
    auto.rotate_key("66f2", "sdk-3", Some(1));
    for (key, expected) in [("sdk-66f2", 401), ("sdk-2", 401), ("sdk-3", 200)] {
        assert_eq!(status(&launchdarkly, key).await, expected, "{key}");
    }
    auto.rotate_key("66f2", "sdk-4", None);
    assert!(listener.ends().await.is_err(), "it is cut");
    assert_eq!(status(&launchdarkly, "sdk-3").await, 401);
    assert_eq!(status(&launchdarkly, "sdk-4").await, 200);
}

#[tokio::test]
async fn one_that_comes_back_has_its_key_and_another_may_be_given() {
    let (launchdarkly, auto) = launchdarkly().await;
    auto.add("66f2", "harbor", "test");
    auto.rotate_key("66f2", "sdk-2", None);
    auto.remove("66f2");
    auto.add("66f2", "harbor", "test");
    assert_eq!(status(&launchdarkly, "sdk-2").await, 200);
    let mut listener = Asking::of(&launchdarkly, "/all", "sdk-2").await;
    auto.list("66f2", "harbor", "test", "sdk-3");
    assert!(listener.ends().await.is_err(), "it is cut");
    assert_eq!(status(&launchdarkly, "sdk-2").await, 401);
    assert_eq!(status(&launchdarkly, "sdk-3").await, 200);
}

#[tokio::test]
async fn listed_keys_are_accepted_but_for_views() {
    let (launchdarkly, auto) = launchdarkly().await;
    auto.add("66f2", "harbor", "test");
    auto.change("66f2", |members| {
        let keys = json!([
            {"key": "default", "value": "sdk-66f2"},
            {"value": "sdk-ever"},
            {"value": "sdk-past", "expiry": 1},
            {"value": "sdk-view", "hasViews": true},
        ]);
        members.insert("sdkKeys".into(), keys);
    });
    for (key, expected) in [
        ("sdk-66f2", 200),
        ("sdk-ever", 200),
        ("sdk-past", 401),
        ("sdk-view", 401),
    ] {
        assert_eq!(status(&launchdarkly, key).await, expected, "{key}");
    }
    auto.rotate_key("66f2", "sdk-2", Some(EVER));
    for key in ["sdk-66f2", "sdk-2", "sdk-ever"] {
        assert_eq!(status(&launchdarkly, key).await, 200, "{key}");
    }
}

#[tokio::test]
async fn what_is_left_out_is_listed_no_more_and_still_answers() {
    let (launchdarkly, auto) = launchdarkly().await;
    auto.add("66f2", "harbor", "test");
    auto.leave_out("66f2");
    assert!(!auto.to_put().contains("66f2"));
    assert_eq!(status(&launchdarkly, "sdk-66f2").await, 200);
}

#[tokio::test]
async fn attempts_are_answered_as_they_were_told() {
    let (launchdarkly, auto) = launchdarkly().await;
    auto.next(Behaviour::status(401));
    auto.next(Behaviour::bytes("event: put\ndata: {\n\n").then_close());
    auto.next(Behaviour::normal().heartbeat(Some(Duration::from_millis(10))));
    let refused = ask(&launchdarkly, PATH, KEY).await.unwrap();
    assert_eq!(refused.status(), 401);
    let mut malformed = listening(&launchdarkly).await;
    malformed.ends().await.unwrap();
    assert_eq!(malformed.text(), "event: put\ndata: {\n\n");
    let mut listener = listening(&launchdarkly).await;
    listener.hears("\n\n:\n:\n").await;
    auto.wait_for_connections(2).await;
    auto.wait_for_attempts(3).await;
    auto.disconnect_all();
    assert!(listener.ends().await.is_err());
    auto.wait_for_nobody().await;
}

#[tokio::test]
async fn our_roster_understands_it() {
    let (_launchdarkly, auto) = launchdarkly().await;
    auto.add("66f2", "harbor", "test");
    auto.add("66f3", "harbor", "production");
    let heard = read("put", &auto.to_put());
    assert!(matches!(&heard, Ok(RosterMessage::Put(listed)) if listed.len() == 2));
    let mut roster = Roster::new(Templates::new("flags", "$CID").unwrap(), 0);
    roster.opened();
    assert_eq!(roster.heed(heard, 0).changes.len(), 2);
    assert_eq!(roster.refused().count(), 0);
}
