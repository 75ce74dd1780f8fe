//! Somebody else writes the same rows all the time, or writes just what we are about to write.

use std::time::Duration;

use ld_dynamodb_relay::model::{DriftType, ItemKey, Stamp};
use ld_dynamodb_relay::writer::{Stored, TableRequest as Request, WriteEvent as Told, WriteFact};

use crate::items::{key, live};
use crate::store::{Fate, Rival, Row};
use crate::world::{Event, World};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const FLAGS: u8 = 10;

fn settled() -> World {
    let mut world = World::new();
    for number in 0..FLAGS {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    // Also what is read again once the marker stands.
    world.run_for(MINUTE);
    world.check_equal();
    world
}

/// Somebody else stores this, whatever is there.
fn put(world: &mut World, key: &ItemKey, stamp: Stamp) {
    let since = world.now;
    world.store.rows.insert(key.clone(), Row { stamp, since });
    world.store.touched.insert(key.clone());
}

fn stored(world: &World) -> Vec<Stored> {
    let stored = world.facts.iter().filter_map(|fact| match fact {
        WriteFact::Stored(stored) => Some(stored.clone()),
        _ => None,
    });
    stored.collect()
}

fn is_contested(world: &World, key: &ItemKey) -> bool {
    world.stands.as_ref().unwrap().contested.contains(key)
}

/// How many requests for single rows were answered meanwhile.
fn run_for_a_second(world: &mut World) -> usize {
    let mut requests = 0;
    let until = world.now + SECOND;
    world.run_until(until, &mut |request| {
        requests += usize::from(matches!(request, Request::Row(_) | Request::Write(_)));
        Fate::Done
    });
    requests
}

/// An SDK that writes by itself, say, and thinks that it knows better. Each version is higher than ours, so to take it back
/// has to be said again, and by then the row is another one.
#[test]
fn who_rewrites_a_row_each_3_seconds_with_rising_versions_is_contested_all_the_while() {
    let mut world = settled();
    let fought_over = key(1);
    let (began, before) = (world.now, stored(&world).len());
    let (requests, asked) = (world.requests, world.reopened.len());
    let mut version = 1;
    let mut since = None;
    while world.now < began + 4 * HOUR {
        version += 1;
        let rival = live(&fought_over, version, 70);
        put(&mut world, &fought_over, Stamp::of(&rival));
        world.run_for(3 * SECOND);
        if is_contested(&world, &fought_over) {
            since.get_or_insert(world.now);
        }
        let contested = is_contested(&world, &fought_over);
        assert_eq!(contested, since.is_some(), "once begun, it lasts");
        // What was said long ago is not needed to judge what is written now.
        let old = world.sayings.len().saturating_sub(10);
        world.sayings.drain(..old);
    }
    let third_verify = since.unwrap() - began;
    assert!(third_verify <= 50 * MINUTE, "{third_verify:?}");
    assert_eq!(world.stands.as_ref().unwrap().contested.len(), 1);
    // A question each 5 s, which the listening half puts off, and a write after each answer; the rest is looks.
    let (requests, asked) = (world.requests - requests, world.reopened.len() - asked);
    assert!(asked <= 4 * 720, "asked {asked} times");
    assert!(requests <= 4 * (720 + 120 + 4 * 7), "{requests} requests");

    // Whoever it was has stopped: its last row is taken back, and three verifies find nothing.
    world.run_for(MINUTE);
    world.check_equal();
    let repaired: Vec<_> = stored(&world).split_off(before);
    let [repair] = &repaired[..] else {
        panic!("{repaired:?}");
    };
    assert_eq!(repair.key, fought_over);
    assert!(repair.repaired.is_some() && repair.lowered && !repair.already);
    assert!(repair.propagation.is_none(), "it is no live change");
    for _ in 0..2 {
        world.step(Some(Told::Sync));
        world.run_for(SECOND);
        assert!(is_contested(&world, &fought_over));
    }
    world.step(Some(Told::Sync));
    world.run_for(SECOND);
    assert!(!is_contested(&world, &fought_over));
    world.check_equal();
}

/// The condition of our write fails, and what stands there is what was wanted: nothing is left to write or to read, and it
/// counts as if we had written it.
#[test]
fn what_a_rival_stored_meanwhile_just_as_we_would_counts_as_stored() {
    let mut world = settled();
    world.happen(&Event::Change(3, true));
    let wanted = Stamp::of(&world.truth()[&key(3)]);
    put(&mut world, &key(3), wanted);
    let (before, written) = (stored(&world).len(), world.store.written);
    assert_eq!(run_for_a_second(&mut world), 1, "the write under way");
    world.check_equal();
    assert_eq!(world.store.written, written);
    let [ref patch] = stored(&world)[before..] else {
        panic!("{:?}", stored(&world));
    };
    assert_eq!((&patch.key, patch.to), (&key(3), Some(2)));
    assert!(patch.already && patch.repaired.is_none());
    assert!(patch.propagation.is_some_and(|took| took < SECOND));
}

/// The same while drift is repaired: whoever did it, the row is repaired.
#[test]
fn what_a_rival_repaired_meanwhile_counts_as_repaired() {
    let mut world = settled();
    let rivals: [(Rival, DriftType); 2] = [
        (Rival::Delete, DriftType::Missing),
        (Rival::Init(0), DriftType::Older),
    ];
    for (act, drift) in rivals {
        world.store.rival(&key(3), act, world.now);
        let (before, written) = (stored(&world).len(), world.store.written);
        world.step(Some(Told::Sync));
        while world.writes_under_way().next().is_none() {
            world.serve(0, Fate::Done);
        }
        let wanted = Stamp::of(&world.truth()[&key(3)]);
        put(&mut world, &key(3), wanted);
        assert_eq!(run_for_a_second(&mut world), 1, "{act:?}");
        world.check_equal();
        assert_eq!(world.store.written, written, "{act:?}");
        let [ref repair] = stored(&world)[before..] else {
            panic!("{act:?}: {:?}", stored(&world));
        };
        assert!(repair.already && repair.propagation.is_none());
        assert_eq!(repair.repaired, Some(drift));
        assert!(!world.stands.as_ref().unwrap().repairing);
    }
}
