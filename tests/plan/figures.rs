//! What is told tells the truth: how long changes took, what was stored, how large rows are.

use std::time::Duration;

use ld_dynamodb_relay::plan::Write;
use ld_dynamodb_relay::writer::{Manner, Stored, TableRequest, WriteEvent as Told, WriteFact};

use crate::items::{NAMESPACE_BYTES, key};
use crate::store::{Fate, Rival};
use crate::world::{Event, World};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

fn stored(world: &World) -> Vec<&Stored> {
    let stored = world.facts.iter().filter_map(|fact| match fact {
        WriteFact::Stored(stored) => Some(stored),
        _ => None,
    });
    stored.collect()
}

fn is_write(request: &TableRequest) -> bool {
    matches!(request, TableRequest::Write(_))
}

/// Writes are throttled.
fn no_writes(request: &TableRequest) -> Fate {
    if is_write(request) {
        Fate::Refused
    } else {
        Fate::Done
    }
}

fn settled(flags: u8) -> World {
    settled_with(flags, |_| {})
}

fn settled_with(flags: u8, change: impl FnOnce(&mut Manner)) -> World {
    let mut world = World::with(change);
    for number in 0..flags {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    world.run_for(SECOND);
    world
}

/// What happened since then, and how long it took where that was measured.
fn took(world: &World, since: usize) -> Vec<Option<Duration>> {
    let stored = stored(world);
    stored[since..].iter().map(|it| it.propagation).collect()
}

#[test]
fn a_first_write_is_no_live_change_and_a_patch_is_one() {
    let mut world = settled(10);
    let is_complete = |it: &&WriteFact| matches!(it, WriteFact::FirstWriteComplete { .. });
    assert_eq!(world.facts.iter().filter(is_complete).count(), 1);
    assert_eq!(took(&world, 0), [None; 10]);
    world.happen(&Event::Change(3, true));
    world.run_for(SECOND);
    let patch = took(&world, 10);
    assert!(
        matches!(&patch[..], [Some(took)] if *took < SECOND),
        "{patch:?}"
    );
}

#[test]
fn a_patch_in_the_middle_of_a_first_write_is_a_live_change() {
    let mut world = World::new();
    for number in 0..10 {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    world.serve(0, Fate::Done);
    world.happen(&Event::Change(60, true));
    world.run_for(SECOND);
    let measured: Vec<_> = stored(&world)
        .into_iter()
        .filter(|it| it.propagation.is_some())
        .map(|it| it.key.clone())
        .collect();
    assert_eq!(measured, [key(60)]);
}

#[test]
fn what_a_start_finds_changed_is_no_live_change_and_what_a_later_set_changes_is_one() {
    let mut world = settled(10);
    world.kill();
    world.happen(&Event::Change(3, false));
    world.hear_the_truth();
    world.run_for(SECOND);
    assert_eq!(took(&world, 10), [None], "nobody knows since when it is so");
    world.happen(&Event::Change(4, false));
    world.hear_the_truth();
    world.run_for(SECOND);
    assert!(matches!(took(&world, 11)[..], [Some(_)]));
}

/// It waited until it was said again, or an operator confirmed it: that says nothing of how long a change takes.
#[test]
fn what_was_confirmed_is_no_live_change() {
    let mut world = settled(50);
    world.happen(&Event::Delete(49, false));
    world.hear_the_truth();
    world.run_for(MINUTE);
    assert_eq!(took(&world, 50), [None]);
    for number in 5..49 {
        world.happen(&Event::Delete(number, false));
    }
    world.hear_the_truth();
    world.run_for(MINUTE);
    world.step(Some(Told::Release(44)));
    world.run_for(MINUTE);
    assert_eq!(took(&world, 51), [None; 44]);
    world.check_equal();
}

#[test]
fn a_repair_is_no_live_change_and_counts_as_repaired() {
    let mut world = settled(10);
    world.store.rival(&key(3), Rival::Delete, world.now);
    world.step(Some(Told::Sync));
    world.run_for(MINUTE);
    assert_eq!(took(&world, 10), [None]);
    assert!(stored(&world)[10].repaired.is_some());
}

/// The repair waited already when LaunchDarkly announced something else.
#[test]
fn a_patch_that_follows_a_repair_is_measured_and_the_repair_is_not() {
    let mut world = settled(10);
    world.store.rival(&key(3), Rival::Delete, world.now);
    world.step(Some(Told::Sync));
    world.serve_all(&mut no_writes);
    assert!(world.stands.as_ref().unwrap().repairing);
    world.happen(&Event::Change(3, true));
    world.run_for(MINUTE);
    let [repair, patch] = stored(&world)[10..] else {
        panic!("{:?}", stored(&world));
    };
    assert!(repair.repaired.is_some() && repair.propagation.is_none());
    assert!(patch.repaired.is_none() && patch.propagation.is_some());
}

/// The same where one write does both, since nothing could be sent before.
#[test]
fn a_patch_that_repairs_is_a_live_change() {
    let mut world = settled_with(10, |manner| manner.concurrency = 1);
    world.store.rival(&key(3), Rival::Delete, world.now);
    world.happen(&Event::Change(7, true));
    world.step(Some(Told::Sync));
    while let Some(look) = world.flight.iter().position(|(it, _)| !is_write(it)) {
        world.serve(look, Fate::Done);
    }
    world.happen(&Event::Change(3, true));
    world.idle_until(world.now + SECOND);
    world.run_for(MINUTE);
    let [_, patch] = stored(&world)[10..] else {
        panic!("{:?}", stored(&world));
    };
    assert_eq!(patch.key, key(3));
    assert!(patch.repaired.is_some() && patch.propagation >= Some(SECOND));
}

/// Somebody else stores it, and then LaunchDarkly says the same: nothing is left to repair.
#[test]
fn drift_that_launchdarkly_comes_to_say_is_over_at_once() {
    let mut world = settled(10);
    let restored = world.truth()[&key(3)].clone();
    world.happen(&Event::Change(3, true));
    world.run_for(SECOND);
    let newer = world.store.rows[&key(3)].clone();
    // The row goes back, and so does what LaunchDarkly says.
    world
        .store
        .write(&Write::Put(key(3), restored, Some(newer.stamp)), world.now)
        .unwrap();
    world.store.touched.insert(key(3));
    world.happen(&Event::Restore(1));
    world.step(Some(Told::Sync));
    world.serve_all(&mut no_writes);
    assert!(world.stands.as_ref().unwrap().repairing);
    world.hear_the_truth();
    let until = world.now + SECOND;
    world.run_until(until, &mut no_writes);
    assert!(!world.stands.as_ref().unwrap().repairing);
    world.check_equal();
}

/// One item that always fails keeps the first write open: what is said later is a live change all the same.
#[test]
fn changes_are_measured_though_the_first_write_never_ends() {
    let mut world = World::new();
    for number in 0..10 {
        world.happen(&Event::Change(number, false));
    }
    let stuck = key(5);
    let mut fails = |request: &TableRequest| match request {
        TableRequest::Write(write) if write.key() == Some(&stuck) => Fate::Failed,
        _ => Fate::Done,
    };
    world.hear_the_truth();
    let until = world.now + MINUTE;
    world.run_until(until, &mut fails);
    assert_eq!(stored(&world).len(), 9);
    assert!(stored(&world).iter().all(|it| it.of_first_write));
    world.happen(&Event::Change(3, false));
    world.hear_the_truth();
    let until = world.now + SECOND;
    world.run_until(until, &mut fails);
    let [changed] = stored(&world)[9..] else {
        panic!("{:?}", stored(&world));
    };
    assert!(changed.propagation.is_some() && !changed.of_first_write);
}

/// By a write whose answer was lost, or by somebody else who wrote the same: it is stored, and counts so.
#[test]
fn what_is_stored_already_counts_as_stored_and_as_repaired() {
    let mut world = settled(10);
    world.happen(&Event::Change(3, true));
    world.serve_all(&mut |request| match request {
        TableRequest::Write(_) => Fate::LostAfter,
        _ => Fate::Done,
    });
    world.run_for(MINUTE);
    let [patch] = stored(&world)[10..] else {
        panic!("{:?}", stored(&world));
    };
    assert!(patch.already && patch.propagation.is_some());
    world.store.rival(&key(4), Rival::Delete, world.now);
    world.step(Some(Told::Sync));
    let mut lost = 0;
    let until = world.now + MINUTE;
    world.run_until(until, &mut |request| match request {
        TableRequest::Write(_) if lost == 0 => {
            lost += 1;
            Fate::LostAfter
        }
        _ => Fate::Done,
    });
    let [repair] = stored(&world)[11..] else {
        panic!("{:?}", stored(&world));
    };
    assert!(repair.already && repair.repaired.is_some());
    world.check_equal();
}

#[test]
fn the_largest_row_follows_patches_too() {
    let mut world = settled(3);
    let largest = |world: &World| world.stands.as_ref().unwrap().largest;
    let of = |world: &World, number: u8| {
        let item = &world.truth()[&key(number)];
        item.row_bytes(&key(number), NAMESPACE_BYTES)
    };
    let most = |world: &World| {
        let keys = world.truth().iter();
        let sizes = keys.map(|(key, item)| item.row_bytes(key, NAMESPACE_BYTES));
        sizes.max().unwrap()
    };
    assert_eq!(largest(&world), most(&world));
    for _ in 0..120 {
        world.happen(&Event::Change(1, true));
        world.run_for(SECOND);
        assert_eq!(largest(&world), most(&world));
    }
    assert!(of(&world, 1) > of(&world, 2), "its version is longer");
    world.happen(&Event::Delete(1, true));
    world.run_for(SECOND);
    // A tombstone is the largest text of these.
    assert!(largest(&world) > most(&world));
}
