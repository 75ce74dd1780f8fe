//! Descriptions that cannot be used.

use ld_dynamodb_relay::roster::{MAX_REFUSED, Reconnection, RosterNews, WaitCurve};
use serde_json::{Value, json};

use crate::world::{World, environment, fixture, told, with};

/// Without a key to connect with.
fn keyless(id: &str, version: u64) -> Value {
    with(environment(id, version), &json!({"sdkKey": {"value": ""}}))
}

#[test]
fn the_rejects_are_named_and_their_corrections_of_the_same_versions_count() {
    let fixture: Value = serde_json::from_str(&fixture("auto-config-put-rejects.json")).unwrap();
    let mut world = World::default();
    let step = world.hear("put", &fixture["rejected"].to_string());
    assert_eq!(told(&step), ["add good"]);
    assert_eq!(step.connection, Reconnection::Repeat(WaitCurve::Normal));
    let reasons: Vec<_> = world
        .roster
        .refused()
        .map(|it| format!("{}: {}", it.id, it.reason))
        .collect();
    assert_eq!(
        reasons,
        [
            "anchor-missing: its default SDK key is not one of its `sdkKeys`",
            "mobile-missing: its default mobile key is absent or is not one of its `mobileKeys`",
            "other-id: its `envID` is not the ID under which LaunchDarkly lists it",
        ]
    );
    world.reconnect();
    let step = world.hear("put", &fixture["corrected"].to_string());
    assert_eq!(
        told(&step),
        ["add anchor-missing", "add mobile-missing", "add other-id"]
    );
    assert_eq!(step.connection, Reconnection::Stay);
    assert_eq!(world.refused(), []);
}

#[test]
fn an_unusable_update_leaves_what_is_served() {
    let mut world = World::default();
    world.put(&[environment("a", 1)]);
    let step = world.patch(&keyless("a", 2));
    assert_eq!(told(&step), [""; 0]);
    assert_eq!(world.served(), ["a@1"]);
    assert_eq!(world.refused(), [("a".to_owned(), true)]);
    let corrected = with(environment("a", 2), &json!({"sdkKey": {"value": "sdk-2"}}));
    let step = world.patch(&corrected);
    assert_eq!(told(&step), ["update a anchor"]);
    assert_eq!(world.refused(), []);
}

#[test]
fn an_unusable_environment_counts_as_listed() {
    let mut world = World::default();
    world.put(&[
        environment("a", 1),
        environment("b", 1),
        environment("c", 1),
    ]);
    world.reconnect();
    let step = world.put(&[keyless("a", 2), environment("b", 1), environment("c", 1)]);
    assert_eq!(told(&step), [""; 0]);
    assert!(world.roster.is_listed("a"));
}

#[test]
fn what_is_said_again_as_it_is_served_is_refused_no_more() {
    let mut world = World::default();
    world.put(&[environment("a", 1)]);
    world.patch(&keyless("a", 2));
    world.reconnect();
    world.put(&[environment("a", 1)]);
    assert_eq!(world.refused(), []);
}

#[test]
fn a_refused_environment_that_is_listed_no_more_is_forgotten() {
    let mut world = World::default();
    world.put(&[environment("a", 1), keyless("b", 1)]);
    assert_eq!(world.refused(), [("b".to_owned(), false)]);
    world.delete("b", 1);
    assert_eq!(world.refused(), []);
    world.patch(&keyless("c", 1));
    world.reconnect();
    world.put(&[environment("a", 1)]);
    assert_eq!(world.refused(), []);
}

#[test]
fn two_unusable_messages_in_a_row_wait_long_and_a_good_one_ends_that() {
    let mut world = World::default();
    let mut check = |environment: Value, expected| {
        assert_eq!(world.patch(&environment).connection, expected);
    };
    let (normal, extended) = (
        Reconnection::Repeat(WaitCurve::Normal),
        Reconnection::Repeat(WaitCurve::Extended),
    );
    check(keyless("a", 1), normal);
    check(keyless("a", 1), extended);
    check(keyless("b", 1), extended);
    check(environment("c", 1), Reconnection::Stay);
    check(keyless("a", 1), normal);
}

#[test]
fn a_refusal_is_told_once() {
    let mut world = World::default();
    assert!(matches!(
        &world.patch(&keyless("a", 1)).news[..],
        [RosterNews::Refused(refused)] if !refused.serving
    ));
    assert_eq!(world.patch(&keyless("a", 1)).news, []);
}

#[test]
fn an_id_that_can_name_nothing_is_refused() {
    let long = "x".repeat(257);
    for id in ["", "a b", "a\nb", &long] {
        let mut world = World::default();
        let put = crate::world::put_of(&[environment(id, 1)]);
        assert_eq!(told(&world.hear("put", &put)), [""; 0], "{id:?}");
        assert_eq!(world.refused().len(), 1, "{id:?}");
    }
}

#[test]
fn whoever_asks_nobody_needs_no_keys() {
    let entry = crate::world::entry(&keyless("a", 1));
    assert!(entry.check("a").is_err());
    assert_eq!(entry.check_id("a"), Ok(()));
    assert!(entry.check_id("b").is_err());
}

#[test]
fn so_many_are_named_and_no_more() {
    let mut world = World::default();
    for number in 0..=MAX_REFUSED {
        let step = world.patch(&keyless(&format!("e{number}"), 1));
        assert_eq!(step.news.len(), 1, "each is told");
    }
    assert_eq!(world.refused().len(), MAX_REFUSED);
}
