//! The order of versions.

use ld_dynamodb_relay::roster::{CacheOrder, MAX_TOMBSTONES, Reconnection, RosterOrigin};
use serde_json::json;

use crate::world::{World, environment, put_of, told, with};

#[test]
fn a_description_counts_if_it_is_newer() {
    let mut world = World::default();
    assert_eq!(told(&world.patch(&environment("a", 4))), ["add a"]);
    for (version, expected) in [(4, &[][..]), (3, &[]), (5, &["update a"])] {
        let step = world.patch(&environment("a", version));
        assert_eq!(told(&step), expected, "{version}");
        assert_eq!(step.connection, Reconnection::Stay);
    }
    assert_eq!(world.served(), ["a@5"]);
}

#[test]
fn a_deletion_counts_if_it_is_newer() {
    let mut world = World::default();
    world.patch(&environment("a", 4));
    assert_eq!(
        told(&world.delete("a", 3)),
        [""; 0],
        "older than what lives"
    );
    assert_eq!(told(&world.delete("a", 4)), [""; 0], "as old as what lives");
    assert_eq!(told(&world.delete("a", 5)), ["remove a"]);
    assert_eq!(told(&world.patch(&environment("a", 5))), [""; 0]);
    assert_eq!(told(&world.patch(&environment("a", 6))), ["add a"]);
}

#[test]
fn a_deletion_of_an_unseen_environment_guards_it() {
    let mut world = World::default();
    world.delete("a", 5);
    world.delete("a", 3);
    assert_eq!(told(&world.patch(&environment("a", 5))), [""; 0]);
    assert_eq!(told(&world.patch(&environment("a", 6))), ["add a"]);
}

#[test]
fn a_put_with_equal_versions_does_nothing_not_even_a_look_at_the_keys() {
    let mut world = World::default();
    world.put(&[environment("a", 1), environment("b", 2)]);
    world.reconnect();
    let rekeyed = with(environment("a", 1), &json!({"sdkKey": {"value": ""}}));
    let step = world.put(&[rekeyed, environment("b", 2)]);
    assert_eq!(told(&step), [""; 0]);
    assert_eq!(step.cache, [CacheOrder::DeleteUnlisted]);
    assert_eq!((step.connection, step.news.len()), (Reconnection::Stay, 0));
}

#[test]
fn a_put_with_an_environment_less_removes_it_though_its_version_is_unchanged() {
    let mut world = World::default();
    world.put(&[
        environment("a", 1),
        environment("b", 2),
        environment("c", 3),
    ]);
    world.reconnect();
    let step = world.put(&[environment("a", 1), environment("c", 3)]);
    assert_eq!(told(&step), ["remove b"]);
    // And it is forgotten, version and all.
    assert_eq!(told(&world.patch(&environment("b", 1))), ["add b"]);
}

#[test]
fn a_put_forgets_the_tombstones_that_it_does_not_list() {
    let mut world = World::default();
    world.delete("a", 5);
    world.delete("b", 5);
    let step = world.put(&[environment("a", 5)]);
    assert_eq!(told(&step), [""; 0], "listed: the tombstone guards it");
    assert_eq!(told(&world.patch(&environment("b", 1))), ["add b"]);
    assert_eq!(told(&world.patch(&environment("a", 5))), [""; 0]);
}

#[test]
fn a_put_adds_and_updates_before_it_removes() {
    let mut world = World::default();
    world.put(&[
        environment("a", 1),
        environment("m", 1),
        environment("z", 1),
    ]);
    world.reconnect();
    let renamed = with(environment("z", 2), &json!({"envName": "Zulu"}));
    let step = world.put(&[environment("b", 1), environment("m", 1), renamed]);
    assert_eq!(told(&step), ["add b", "update z names", "remove a"]);
    assert_eq!(
        step.cache,
        [
            CacheOrder::Put("b".into()),
            CacheOrder::Put("z".into()),
            CacheOrder::Delete("a".into()),
            CacheOrder::DeleteUnlisted,
        ]
    );
}

#[test]
fn losing_the_stream_removes_nothing() {
    let mut world = World::default();
    world.put(&[environment("a", 1)]);
    world.reconnect();
    assert_eq!(world.served(), ["a@1"]);
}

#[test]
fn the_cache_adds_and_updates_and_never_removes() {
    let mut world = World::default();
    let rows = |version| vec![crate::world::entry(&environment("a", version))];
    let step = world.roster.heed_cache(rows(3));
    assert_eq!(told(&step), ["add a"]);
    assert!(step.cache.is_empty(), "what is from the cache is in it");
    assert_eq!(world.roster.origin(), RosterOrigin::Cache);
    world.patch(&environment("b", 1));
    assert_eq!(told(&world.roster.heed_cache(rows(2))), [""; 0]);
    assert_eq!(told(&world.roster.heed_cache(rows(4))), ["update a"]);
    // Equal versions change nothing then.
    let step = world.put(&[environment("a", 4), environment("b", 1)]);
    assert_eq!(told(&step), [""; 0]);
    assert_eq!(world.roster.origin(), RosterOrigin::LaunchDarkly);
}

#[test]
fn a_cache_that_comes_late_is_void() {
    let mut world = World::default();
    world.put(&[environment("a", 1)]);
    let late = vec![crate::world::entry(&environment("b", 1))];
    assert_eq!(told(&world.roster.heed_cache(late)), [""; 0]);
    assert_eq!(world.served(), ["a@1"]);
}

#[test]
fn an_empty_cache_says_nothing() {
    let mut world = World::default();
    world.roster.heed_cache(Vec::new());
    assert_eq!(world.roster.origin(), RosterOrigin::Nowhere);
}

#[test]
fn deletions_of_what_was_never_there_are_forgotten_at_some_time() {
    let mut world = World::default();
    for number in 0..=MAX_TOMBSTONES {
        world.delete(&format!("unseen-{number}"), 5);
    }
    assert_eq!(
        told(&world.patch(&environment("unseen-0", 1))),
        ["add unseen-0"]
    );
    assert_eq!(told(&world.patch(&environment("unseen-1", 5))), [""; 0]);
}

#[test]
fn the_put_of_the_fixture_and_its_events_are_understood() {
    let mut world = World::default();
    let put = crate::world::fixture("auto-config-put.json");
    let ids = [
        "66f2a90c1d4e8b0012ab34cd",
        "66f2a90c1d4e8b0012ab34ce",
        "66f2a90c1d4e8b0012ab34cf",
    ];
    assert_eq!(
        told(&world.hear("put", &put)),
        ids.map(|id| format!("add {id}"))
    );
    // And so is one without a path.
    let mut world = World::default();
    let nameless = put_of(&[environment("a", 1)]).replace(r#""path":"/""#, r#""other":1"#);
    assert_eq!(told(&world.hear("put", &nameless)), ["add a"]);
}
