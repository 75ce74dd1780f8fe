//! A `put` that leaves out too much is not believed at once.

use std::time::Duration;

use ld_dynamodb_relay::roster::{CacheOrder, Reconnection, RosterNews, RosterStep};
use serde_json::Value;

use crate::world::{World, environment, told};

fn environments(numbers: impl Iterator<Item = u32>) -> Vec<Value> {
    numbers
        .map(|number| environment(&format!("e{number:02}"), 1))
        .collect()
}

/// A roster that has so many environments, newly connected.
fn with(count: u32) -> World {
    let mut world = World::default();
    world.put(&environments(0..count));
    world.reconnect();
    world
}

#[track_caller]
fn assert_held(step: &RosterStep, removals: usize, of: usize) {
    assert_eq!(told(step), [""; 0]);
    assert_eq!(step.news, [RosterNews::Held { removals, of }]);
    let again = Reconnection::RepeatAfter(Duration::from_secs(10));
    assert_eq!(step.connection, again);
    assert!(
        !step.cache.contains(&CacheOrder::DeleteUnlisted),
        "the cache keeps what is kept"
    );
}

#[test]
fn a_put_without_environments_is_held_until_it_is_said_again() {
    let mut world = with(2);
    assert_held(&world.put(&[]), 2, 2);
    assert_eq!(world.roster.held_removals(), 2);
    world.reconnect();
    let step = world.put(&[]);
    assert_eq!(told(&step), ["remove e00", "remove e01"]);
    assert!(step.cache.contains(&CacheOrder::DeleteUnlisted));
    assert_eq!(step.connection, Reconnection::Stay);
    assert_eq!(world.roster.held_removals(), 0);
}

#[test]
fn the_same_connection_confirms_nothing() {
    let mut world = with(2);
    world.put(&[]);
    let step = world.put(&[]);
    assert_eq!(told(&step), [""; 0]);
    assert_eq!(world.roster.held_removals(), 2);
    let now = Reconnection::RepeatAfter(Duration::ZERO);
    assert_eq!(step.connection, now, "it is a minute later");
}

/// LaunchDarkly closed the stream at once, and says the same on the next one.
#[test]
fn what_is_said_again_within_ten_seconds_confirms_nothing() {
    let mut world = with(2);
    world.put(&[]);
    let began = world.now_ms;
    for (seconds, rest) in [(1, 9), (4, 6)] {
        world.reconnect();
        let step = world.put_at(&[], began + seconds * 1_000);
        assert_eq!(told(&step), [""; 0], "{seconds}");
        let again = Reconnection::RepeatAfter(Duration::from_secs(rest));
        assert_eq!(step.connection, again);
    }
    world.reconnect();
    let step = world.put_at(&[], began + 10_000);
    assert_eq!(told(&step), ["remove e00", "remove e01"]);
}

#[test]
fn more_than_half_and_more_than_five_are_held() {
    for (of, left, is_held) in [
        (12, 6, false), // half
        (13, 6, true),
        (9, 4, false), // five
        (10, 4, true),
        (3, 1, false),
        (3, 0, true), // all
        (1, 0, true),
    ] {
        let mut world = with(of);
        let step = world.put(&environments(0..left));
        let removals = usize::try_from(of - left).unwrap();
        if is_held {
            assert_held(&step, removals, usize::try_from(of).unwrap());
        } else {
            assert_eq!(told(&step).len(), removals, "{of} {left}");
        }
    }
}

#[test]
fn what_is_listed_again_stays() {
    let mut world = with(3);
    world.put(&[]);
    world.reconnect();
    assert_eq!(told(&world.put(&environments(0..3))), [""; 0]);
    assert_eq!(world.roster.held_removals(), 0);
    world.reconnect();
    assert_held(&world.put(&[]), 3, 3);
}

#[test]
fn what_is_left_out_for_the_first_time_is_judged_by_itself() {
    let mut world = with(3);
    world.put(&[]);
    world.patch(&environment("new", 1));
    world.reconnect();
    let step = world.put(&[]);
    assert_eq!(told(&step), ["remove e00", "remove e01", "remove e02"]);
    assert_eq!(
        world.served(),
        ["new@1"],
        "the only one that is left is held"
    );
    world.reconnect();
    assert_eq!(told(&world.put(&[])), ["remove new"]);
}

#[test]
fn what_is_added_beside_does_not_hide_that_all_are_gone() {
    let mut world = with(1);
    let step = world.put(&[environment("new", 1)]);
    assert_eq!(told(&step), ["add new"]);
    assert_eq!(world.served(), ["e00@1", "new@1"]);
    world.reconnect();
    assert_eq!(told(&world.put(&[environment("new", 1)])), ["remove e00"]);
}

#[test]
fn a_patch_takes_an_environment_out_of_the_hold() {
    let mut world = with(2);
    world.put(&[]);
    world.patch(&environment("e00", 2));
    assert_eq!(world.roster.held_removals(), 1);
    world.reconnect();
    let step = world.put(&[environment("e00", 2)]);
    assert_eq!(told(&step), ["remove e01"]);
}

#[test]
fn a_late_patch_does_not() {
    let mut world = with(2);
    world.put(&[]);
    world.patch(&environment("e00", 0));
    assert_eq!(world.roster.held_removals(), 2);
}

#[test]
fn a_deletion_by_name_is_believed_at_once() {
    let mut world = with(2);
    world.put(&[]);
    assert_eq!(told(&world.delete("e00", 2)), ["remove e00"]);
    assert_eq!(world.roster.held_removals(), 1);
}

#[test]
fn an_operator_confirms_the_very_number() {
    let mut world = with(2);
    assert_eq!(world.roster.confirm_removals(0).unwrap_err(), 0);
    world.put(&[]);
    assert_eq!(world.roster.confirm_removals(3).unwrap_err(), 2);
    let step = world.roster.confirm_removals(2).unwrap();
    assert_eq!(told(&step), ["remove e00", "remove e01"]);
    assert_eq!(step.cache.len(), 2);
    assert_eq!(world.roster.held_removals(), 0);
}

#[test]
fn what_the_cache_knew_is_held_too() {
    let mut world = World::default();
    let row = crate::world::entry(&environment("a", 1));
    world.roster.heed_cache(vec![row]);
    assert_held(&world.put(&[]), 1, 1);
}
