//! What the Relay Proxy's own tests go through with auto-configuration.

use ld_dynamodb_relay::roster::Reconnection;
use serde_json::{Value, json};

use crate::world::{World, anchor, environment, told, with};

fn keyed(version: u64, sdk_key: &Value) -> Value {
    with(environment("a", version), &json!({"sdkKey": sdk_key}))
}

fn listing(version: u64, sdk_keys: &Value) -> Value {
    with(environment("a", version), &json!({"sdkKeys": sdk_keys}))
}

/// A roster with the environment `a` as described.
fn having(environment: &Value) -> World {
    let mut world = World::default();
    world.put(std::slice::from_ref(environment));
    world
}

#[test]
fn initial_list() {
    let mut world = World::default();
    let step = world.put(&[environment("a", 1), environment("b", 1)]);
    assert_eq!(told(&step), ["add a", "add b"]);
}

#[test]
fn policy_change() {
    let mut world = World::default();
    world.put(&[
        environment("a", 1),
        environment("b", 1),
        environment("c", 1),
    ]);
    assert_eq!(
        world.hear("reconnect", " ").connection,
        Reconnection::AtOnce
    );
    world.reconnect();
    let step = world.put(&[environment("a", 1), environment("b", 1)]);
    assert_eq!(told(&step), ["remove c"]);
}

#[test]
fn environment_added_and_deleted() {
    let mut world = having(&environment("a", 1));
    assert_eq!(told(&world.patch(&environment("b", 1))), ["add b"]);
    assert_eq!(told(&world.delete("b", 2)), ["remove b"]);
}

#[test]
fn sdk_key_changed_without_grace() {
    let mut world = having(&environment("a", 1));
    let step = world.patch(&keyed(2, &json!({"value": "sdk-new"})));
    assert_eq!(told(&step), ["update a anchor"]);
    assert_eq!(anchor(&world, "a"), "sdk-new");
}

#[test]
fn sdk_key_changed_with_grace() {
    let mut world = having(&environment("a", 1));
    let expiring = json!({"value": "sdk-a", "timestamp": 9_000});
    let step = world.patch(&keyed(
        2,
        &json!({"value": "sdk-new", "expiring": expiring}),
    ));
    assert_eq!(told(&step), ["update a anchor others"]);
    let entry = world.roster.entry("a").unwrap();
    assert_eq!(entry.credentials.usable_instead(8_999).len(), 1);
    assert_eq!(entry.credentials.usable_instead(9_000).len(), 0);
}

#[test]
fn expiring_key_present_before_the_start() {
    let expiring = json!({"value": "sdk-old", "timestamp": 9_000});
    let world = having(&keyed(1, &json!({"value": "sdk-a", "expiring": expiring})));
    let entry = world.roster.entry("a").unwrap();
    assert_eq!(entry.credentials.sdk_keys(0).count(), 2);
    assert_eq!(anchor(&world, "a"), "sdk-a");
}

#[test]
fn mobile_key_changed() {
    let mut world = having(&environment("a", 1));
    let changed = with(environment("a", 2), &json!({"mobKey": "mob-new"}));
    assert_eq!(told(&world.patch(&changed)), ["update a others"]);
}

#[test]
fn environment_without_mobile_key() {
    let world = having(&with(environment("a", 1), &json!({"mobKey": null})));
    assert_eq!(world.served(), ["a@1"]);
}

#[test]
fn non_anchor_key_added_and_removed_without_touching_the_connection() {
    let one = json!([{"key": "default", "value": "sdk-a"}]);
    let two = json!([{"key": "default", "value": "sdk-a"}, {"key": "jobs", "value": "sdk-b"}]);
    let mut world = having(&listing(1, &one));
    assert_eq!(told(&world.patch(&listing(2, &two))), ["update a others"]);
    assert_eq!(told(&world.patch(&listing(3, &one))), ["update a others"]);
    assert_eq!(anchor(&world, "a"), "sdk-a");
}

#[test]
fn expiry_removed_again() {
    let keys = |expiry: Value| json!([{"value": "sdk-a"}, {"value": "sdk-b", "expiry": expiry}]);
    let mut world = having(&listing(1, &keys(json!(9_000))));
    let step = world.patch(&listing(2, &keys(json!(null))));
    assert_eq!(told(&step), ["update a others"]);
    let entry = world.roster.entry("a").unwrap();
    assert_eq!(entry.credentials.usable_instead(10_000).len(), 1);
}

#[test]
fn identifier_renamed() {
    let keys = |key: &str| json!([{"value": "sdk-a"}, {"key": key, "value": "sdk-b"}]);
    let mut world = having(&listing(1, &keys("jobs")));
    let step = world.patch(&listing(2, &keys("batch-jobs")));
    assert_eq!(told(&step), ["update a names"]);
}

#[test]
fn keys_in_another_order_are_the_same_keys() {
    let keys = [json!({"value": "sdk-a"}), json!({"value": "sdk-b"})];
    let mut world = having(&listing(1, &json!([keys[0], keys[1]])));
    let step = world.patch(&listing(2, &json!([keys[1], keys[0]])));
    assert_eq!(told(&step), ["update a"]);
}

#[test]
fn names_ttl_or_secure_mode_alone_change_no_key() {
    let mut world = having(&environment("a", 1));
    for (version, members, expected) in [
        (2, json!({"envName": "Other"}), "update a names"),
        (3, json!({"envName": "Other", "defaultTtl": 5}), "update a"),
        (
            4,
            json!({"envName": "Other", "secureMode": true}),
            "update a",
        ),
    ] {
        let changed = with(environment("a", version), &members);
        assert_eq!(told(&world.patch(&changed)), [expected], "{members}");
    }
}
