//! Failures are contained: whose fault it is that a write fails, and what goes on meanwhile.

use std::time::Duration;

use ld_dynamodb_relay::model::{ItemFault, ItemKey};
use ld_dynamodb_relay::plan::{Reason, Write};
use ld_dynamodb_relay::status::{HeldReason, TablePhase};
use ld_dynamodb_relay::writer::{TableRequest as Request, WriteEvent as Told, WriteFact};
use proptest::prelude::*;

use crate::items::key;
use crate::long::held;
use crate::store::Fate;
use crate::world::{Event, World};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

fn writes(request: &Request, key: &ItemKey) -> bool {
    matches!(request, Request::Write(write) if write.key() == Some(key))
}

fn is_of(request: &Request, key: &ItemKey) -> bool {
    writes(request, key) || matches!(request, Request::Row(row) if row == key)
}

pub(crate) fn said(flags: u8) -> World {
    let mut world = World::new();
    for number in 0..flags {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    world
}

pub(crate) fn phase(world: &World) -> TablePhase {
    world.stands.as_ref().unwrap().phase
}

/// A segment, for which flags wait: whatever it is that fails of it, and however.
#[test]
fn an_item_whose_write_fails_time_after_time_harms_no_other() {
    for fate in [
        Fate::LostBefore,
        Fate::LostAfter,
        Fate::Failed,
        Fate::Denied,
    ] {
        for rows_too in [false, true] {
            let (mut world, stuck) = (said(30), key(4));
            let mut fails = |request: &Request| {
                let fails = writes(request, &stuck) || rows_too && is_of(request, &stuck);
                if fails { fate } else { Fate::Done }
            };
            let until = world.now + MINUTE;
            world.run_until(until, &mut fails);
            if matches!(fate, Fate::LostAfter) && !rows_too {
                // It was stored, and reading it shows it.
                world.check_equal();
                continue;
            }
            let stored = world.store.rows.keys().filter(|it| **it != stuck).count();
            assert_eq!(stored, 29, "{fate:?}: all others are stored");
            let standing = world.stands.clone().unwrap();
            assert_eq!(standing.held[&stuck].reason, HeldReason::Failing);
            assert!(standing.held[&stuck].detail.contains("it is tried again"));
            assert!(!world.store.marker, "the marker vouches for it, too");
            assert!(!standing.settled);
            // Changes go on at once, whatever is tried of the one that fails.
            for number in 5..15 {
                world.happen(&Event::Change(number, true));
                let until = world.now + 300 * SECOND / 1_000;
                world.run_until(until, &mut fails);
                let row = world.store.rows[&key(number)].stamp.number();
                assert_eq!(row, Some(2), "{fate:?}");
            }
            // It is tried again, and heals by itself.
            world.run_for(MINUTE + SECOND);
            world.check_equal();
        }
    }
}

#[test]
fn it_is_tried_again_later_and_later_and_its_cause_is_shown() {
    let (mut world, stuck) = (said(10), key(3));
    let mut attempts = Vec::new();
    let began = world.now;
    let mut fails = |request: &Request| {
        if writes(request, &stuck) {
            attempts.push(());
            Fate::Failed
        } else {
            Fate::Done
        }
    };
    world.run_until(began + 10 * MINUTE, &mut fails);
    // A second, doubling to 30 s; half the jitter takes away a quarter.
    assert!(
        (22..=32).contains(&attempts.len()),
        "{} attempts",
        attempts.len()
    );
    let held = &world.stands.as_ref().unwrap().held[&stuck];
    assert!(held.detail.contains("OddException"), "{}", held.detail);
}

/// With nothing else to write there is nothing to compare with: it is shown as the table's trouble, and others go at once.
#[test]
fn one_write_that_fails_alone_is_the_tables_trouble_until_another_one_is_stored() {
    let mut world = said(10);
    world.run_for(SECOND);
    let stuck = key(3);
    let mut fails = |request: &Request| {
        if writes(request, &stuck) {
            Fate::LostBefore
        } else {
            Fate::Done
        }
    };
    world.happen(&Event::Change(3, true));
    let until = world.now + 5 * MINUTE;
    world.run_until(until, &mut fails);
    assert_eq!(phase(&world), TablePhase::Unreachable);
    assert!(world.stands.as_ref().unwrap().held.is_empty());
    world.happen(&Event::Change(5, true));
    world.serve_all(&mut fails);
    assert_eq!(world.store.rows[&key(5)].stamp.number(), Some(2), "at once");
    assert!(world.stands.as_ref().unwrap().held.contains_key(&stuck));
    assert!(world.stands.as_ref().unwrap().settled);
}

#[test]
fn a_refusal_that_hits_every_item_is_the_tables_trouble_and_leaves_no_marker() {
    for flags in [1, 2, 3, 40] {
        let mut world = said(flags);
        let mut invalid = |request: &Request| match request {
            Request::Write(Write::Put(..)) => Fate::Invalid,
            _ => Fate::Done,
        };
        let until = world.now + 10 * MINUTE;
        world.run_until(until, &mut invalid);
        assert!(!world.store.marker, "{flags}");
        assert_eq!(phase(&world), TablePhase::Misconfigured);
        let held = &world.stands.as_ref().unwrap().held;
        assert!(held.is_empty(), "nobody is blamed: {held:?}");
        world.run_for(2 * MINUTE);
        world.check_equal();
    }
}

#[test]
fn an_item_that_dynamodb_refuses_is_held_alone_and_tried_again_at_a_verify() {
    let mut world = said(10);
    world.run_for(SECOND);
    let odd = key(3);
    let mut invalid = |request: &Request| {
        if writes(request, &odd) {
            Fate::Invalid
        } else {
            Fate::Done
        }
    };
    world.happen(&Event::Change(3, true));
    let until = world.now + 5 * MINUTE;
    world.run_until(until, &mut invalid);
    let refused = Reason::Malformed(ItemFault::Refused);
    assert_eq!(held(&world, &odd), Some(refused));
    assert_eq!(phase(&world), TablePhase::Settled);
    let requests = world.requests;
    let until = world.now + MINUTE;
    world.run_until(until, &mut invalid);
    assert!(world.requests <= requests + 2, "it is not tried meanwhile");
    world.step(Some(Told::Sync));
    world.run_for(MINUTE);
    world.check_equal();
}

/// Two failed at one time, each in its way, and one of them was held already: that is found out anew, and both are named.
#[test]
fn what_failed_in_company_is_tried_again_by_itself() {
    let mut world = said(10);
    world.run_for(SECOND);
    let (odd, stuck) = (key(3), key(5));
    let mut fails = |request: &Request| match request {
        _ if writes(request, &odd) => Fate::Invalid,
        _ if writes(request, &stuck) => Fate::Failed,
        _ => Fate::Done,
    };
    for number in [3, 5, 7] {
        world.happen(&Event::Change(number, true));
        world.serve_all(&mut fails);
    }
    let until = world.now + MINUTE;
    world.run_until(until, &mut fails);
    assert_eq!(
        held(&world, &odd),
        Some(Reason::Malformed(ItemFault::Refused))
    );
    assert_eq!(held(&world, &stuck), Some(Reason::Failing));
    assert_eq!(phase(&world), TablePhase::Settled);
}

/// A first write in which a few are refused, whichever: those are held, and the marker stands.
#[test]
fn the_marker_stands_beside_the_few_that_dynamodb_refuses() {
    for bad in [
        vec![1],
        vec![1, 2],
        vec![1, 2, 3],
        (1..8).collect(),
        vec![29, 30, 31],
    ] {
        let mut world = said(40);
        let bad: Vec<_> = bad.into_iter().map(key).collect();
        let mut invalid = |request: &Request| {
            if bad.iter().any(|key| writes(request, key)) {
                Fate::Invalid
            } else {
                Fate::Done
            }
        };
        let until = world.now + 5 * MINUTE;
        world.run_until(until, &mut invalid);
        assert!(world.store.marker, "{bad:?}");
        assert_eq!(world.store.rows.len(), 40 - bad.len());
        assert_eq!(world.stands.as_ref().unwrap().held.len(), bad.len());
    }
}

/// The marker cannot be written: items go on all the same.
#[test]
fn changes_do_not_wait_for_a_marker_that_is_refused() {
    let mut world = said(10);
    let mut denied = |request: &Request| match request {
        Request::Write(Write::MarkInitialized) => Fate::Denied,
        _ => Fate::Done,
    };
    let until = world.now + MINUTE;
    world.run_until(until, &mut denied);
    assert_eq!(phase(&world), TablePhase::Misconfigured);
    for number in 0..10 {
        world.happen(&Event::Change(number, true));
        world.serve_all(&mut denied);
        let row = world.store.rows[&key(number)].stamp.number();
        assert_eq!(row, Some(2), "at once");
    }
    world.run_for(2 * MINUTE);
    world.check_equal();
}

#[test]
fn a_reading_that_fails_is_tried_again_later_and_later() {
    let mut world = World::new();
    let began = world.now;
    let mut times = 0;
    let mut fails = |_: &Request| {
        times += 1;
        Fate::LostBefore
    };
    world.run_until(began + 10 * MINUTE, &mut fails);
    assert!((20..=35).contains(&times), "{times} attempts");
    assert_eq!(phase(&world), TablePhase::Unreachable);
    let failed = |it: &&WriteFact| matches!(it, WriteFact::Failed(_));
    let counted = world.facts.iter().filter(failed).count();
    assert_eq!(counted, times, "failed reads are counted");
    world.run_for(MINUTE);
    assert!(world.known);
}

proptest! {
    /// Some items always fail, each in its way; all others are stored, and a patch of theirs never waits for them.
    #[test]
    fn whatever_fails_of_few_the_many_are_stored(
        stuck in prop::collection::hash_map(0..40u8, prop_oneof![
            Just(Fate::Failed), Just(Fate::LostBefore), Just(Fate::Invalid), Just(Fate::Denied),
        ], 0..6),
        patched in prop::collection::vec(0..40u8, 0..10),
    ) {
        let mut world = said(40);
        let fates: Vec<_> = stuck.iter().map(|(number, fate)| (key(*number), *fate)).collect();
        let mut fails = |request: &Request| {
            let found = fates.iter().find(|(key, _)| writes(request, key));
            found.map_or(Fate::Done, |(_, fate)| *fate)
        };
        let until = world.now + 10 * MINUTE;
        world.run_until(until, &mut fails);
        prop_assert_eq!(world.store.rows.len(), 40 - stuck.len());
        let standing = world.stands.clone().unwrap();
        prop_assert_eq!(standing.held.len(), stuck.len());
        for number in patched.into_iter().filter(|number| !stuck.contains_key(number)) {
            world.happen(&Event::Change(number, true));
            let until = world.now + SECOND;
            world.run_until(until, &mut fails);
            let version = world.truth()[&key(number)].version();
            prop_assert_eq!(world.store.rows[&key(number)].stamp.number(), version);
        }
        world.step(Some(Told::Sync));
        world.run_for(3 * MINUTE);
        world.check_equal();
    }
}
