//! A reading that takes hours because reads are throttled: whose data it is and whether the marker stands is looked at all the
//! while.

use std::time::Duration;

use ld_dynamodb_relay::plan::Write;
use ld_dynamodb_relay::status::TablePhase;
use ld_dynamodb_relay::writer::{TableRequest as Request, WriteEvent as Told, WriteFact};

use crate::items::key;
use crate::store::{Fate, Rival};
use crate::world::{Event, World};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const FLAGS: u8 = 60;

/// Of pages, one in twelve is given.
fn slow() -> impl FnMut(&Request) -> Fate {
    let mut pages = 0;
    move |request| {
        pages += usize::from(matches!(request, Request::Page(_)));
        if matches!(request, Request::Page(_)) && !pages.is_multiple_of(12) {
            Fate::Refused
        } else {
            Fate::Done
        }
    }
}

/// A settled world in which a verify has begun and goes on for long.
fn reading() -> (World, impl FnMut(&Request) -> Fate) {
    let mut world = World::with(|manner| manner.environment_id = Some("ours".into()));
    world.identity = Some("ours".into());
    for number in 0..FLAGS {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    world.run_for(SECOND);
    world.check_equal();
    world.step(Some(Told::Sync));
    let mut slow = slow();
    let until = world.now + 10 * MINUTE;
    world.run_until(until, &mut slow);
    assert_eq!(verifies(&world), 0, "it has not ended");
    (world, slow)
}

fn verifies(world: &World) -> usize {
    let verified = |it: &&WriteFact| matches!(it, WriteFact::Verified { .. });
    world.facts.iter().filter(verified).count()
}

#[test]
fn who_takes_the_prefix_over_meanwhile_has_it_within_a_minute() {
    let (mut world, mut slow) = reading();
    world.store.identity = Some("theirs".into());
    let until = world.now + MINUTE;
    world.run_until(until, &mut slow);
    assert_eq!(verifies(&world), 0, "it has not ended");
    assert!(world.stands.as_ref().unwrap().refused.is_some());
    let written = world.store.written;
    for number in 0..FLAGS {
        world.happen(&Event::Change(number, true));
    }
    let until = world.now + MINUTE;
    world.run_until(until, &mut slow);
    assert_eq!(world.store.written, written);
    world.store.identity = Some("ours".into());
    world.run_for(30 * MINUTE);
    world.check_equal();
}

/// Emptied behind the reading: what was read before has vanished too, and the marker comes back after it was read again.
#[test]
fn a_table_that_is_emptied_meanwhile_is_shown_so_within_a_minute_and_filled_before_it_is_marked() {
    let (mut world, mut slow) = reading();
    world.store.empty();
    world.store.identity = Some("ours".into());
    let until = world.now + MINUTE;
    world.run_until(until, &mut slow);
    assert_eq!(verifies(&world), 0, "it has not ended");
    let standing = world.stands.clone().unwrap();
    assert!(!standing.initialized && !standing.settled, "{standing:?}");
    assert_eq!(standing.phase, TablePhase::Throttled);
    let (mut marked, until) = (None, world.now + 24 * 60 * MINUTE);
    let mut slow_until_marked = |request: &Request| {
        if matches!(request, Request::Write(Write::MarkInitialized)) {
            marked = Some(());
        }
        slow(request)
    };
    while world.now < until && !world.store.marker {
        let until = world.now + MINUTE;
        world.run_until(until, &mut slow_until_marked);
    }
    assert_eq!(marked, Some(()));
    assert_eq!(world.store.rows.len(), usize::from(FLAGS));
    world.run_for(30 * MINUTE);
    world.check_equal();
}

/// Nothing is written before the table is known, so whose it is by then counts.
#[test]
fn who_takes_the_prefix_over_during_a_first_reading_finds_it_as_it_was() {
    let mut world = World::with(|manner| manner.environment_id = Some("ours".into()));
    world.identity = Some("ours".into());
    for number in 0..FLAGS {
        world.store.rival(&key(number), Rival::Init(1), world.now);
        world.happen(&Event::Change(number, false));
    }
    (world.store.marker, world.store.identity) = (true, Some("ours".into()));
    world.hear_the_truth();
    let mut slow = slow();
    let until = world.now + 10 * MINUTE;
    world.run_until(until, &mut slow);
    assert!(!world.known, "it has not ended");
    world.store.identity = Some("theirs".into());
    let until = world.now + 24 * 60 * MINUTE;
    world.run_until(until, &mut slow);
    assert!(world.known && world.stands.as_ref().unwrap().refused.is_some());
    assert_eq!(world.store.written, 0);
}
