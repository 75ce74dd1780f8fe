//! Reads are throttled: the table is read slowly instead of never, and what vouches for it is looked at all the while.

use std::time::Duration;

use ld_dynamodb_relay::status::TablePhase;
use ld_dynamodb_relay::writer::{TableRequest as Request, WriteEvent as Told, WriteFact};

use crate::failing::{phase, said};
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
    let until = world.now + 24 * 60 * MINUTE;
    while world.now < until && !world.store.marker {
        let until = world.now + MINUTE;
        world.run_until(until, &mut slow);
    }
    assert!(world.store.marker);
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

/// Reads are throttled: what was read is kept, and the next page is asked for from there.
#[test]
fn a_reading_goes_on_at_the_page_at_which_it_was_refused() {
    let mut world = World::new();
    for number in 0..60 {
        world.store.rival(&key(number), Rival::Init(1), world.now);
    }
    world.store.marker = true;
    let (mut asked, mut given) = (0, 0);
    let mut throttled = |request: &Request| match request {
        Request::Page(_) => {
            asked += 1;
            if asked % 4 == 0 {
                given += 1;
                Fate::Done
            } else {
                Fate::Refused
            }
        }
        _ => Fate::Done,
    };
    let until = world.now + 60 * MINUTE;
    world.run_until(until, &mut throttled);
    assert!(world.known);
    // 45 flags and 15 segments, three to a page: no page was given twice.
    let read = world.facts.iter().find_map(|fact| match fact {
        WriteFact::Read { rows, .. } => Some(*rows),
        _ => None,
    });
    assert_eq!(read, Some(60));
    assert!(given >= 20, "{given} pages");
    world.hear_the_truth();
    world.calm();
}

#[test]
fn throttled_reading_is_its_own_condition_and_does_not_flap() {
    let mut world = said(30);
    world.run_for(SECOND);
    assert_eq!(phase(&world), TablePhase::Settled);
    world.step(Some(Told::Sync));
    let mut turn = 0;
    let mut throttled = |request: &Request| match request {
        Request::Page(_) => {
            turn += 1;
            if turn % 3 == 0 {
                Fate::Done
            } else {
                Fate::Refused
            }
        }
        _ => Fate::Done,
    };
    let mut phases = vec![phase(&world)];
    for _ in 0..300 {
        let until = world.now + 4 * SECOND;
        world.run_until(until, &mut throttled);
        let now = phase(&world);
        if phases.last() != Some(&now) {
            phases.push(now);
        }
        assert!(
            world.stands.as_ref().unwrap().settled,
            "all is stored all the while"
        );
    }
    let expected = [
        TablePhase::Settled,
        TablePhase::Throttled,
        TablePhase::Settled,
    ];
    assert_eq!(phases, expected);
}

/// Once the reads of rows in doubt are throttled, the table counts as throttled and no longer as unreachable.
#[test]
fn rows_in_doubt_whose_reads_are_throttled_are_no_outage() {
    let mut world = said(30);
    world.run_for(SECOND);
    for number in 0..6 {
        world.happen(&Event::Change(number, true));
    }
    let (mut lost, mut asked) = (0, 0);
    let mut throttled = |request: &Request| match request {
        Request::Write(_) if lost < 4 => {
            lost += 1;
            Fate::LostBefore
        }
        Request::Row(_) => {
            asked += 1;
            if asked % 5 == 0 {
                Fate::Done
            } else {
                Fate::Refused
            }
        }
        _ => Fate::Done,
    };
    let mut phases = Vec::new();
    for _ in 0..600 {
        let until = world.now + SECOND / 4;
        world.run_until(until, &mut throttled);
        let now = phase(&world);
        if phases.last() != Some(&now) {
            phases.push(now);
        }
    }
    assert!(asked >= 20, "each was refused four times: {asked}");
    let expected = [
        TablePhase::Unreachable,
        TablePhase::Throttled,
        TablePhase::Settled,
    ];
    assert_eq!(phases, expected);
    world.check_equal();
}

/// A permission that goes while rows in doubt are throttled is shown: an operator has to act.
#[test]
fn throttled_rows_hide_no_trouble_that_an_operator_has_to_mend() {
    let mut world = said(30);
    world.run_for(SECOND);
    for number in 0..6 {
        world.happen(&Event::Change(number, true));
    }
    let (mut lost, mut asked) = (0, 0);
    let mut denied = |request: &Request| match request {
        Request::Write(_) if lost < 4 => {
            lost += 1;
            Fate::LostBefore
        }
        Request::Row(_) => {
            asked += 1;
            if asked < 10 {
                Fate::Refused
            } else {
                Fate::Denied
            }
        }
        _ => Fate::Done,
    };
    let until = world.now + 5 * MINUTE;
    world.run_until(until, &mut denied);
    assert!(asked > 10, "{asked}");
    assert_eq!(phase(&world), TablePhase::Misconfigured);
    world.run_for(5 * MINUTE);
    world.check_equal();
}

/// An item that fails is tried again at the pace of all writes, however often it is throttled: some twenty times a second at
/// most, and not at each answer.
#[test]
fn an_item_that_fails_is_not_sent_again_at_once_because_it_is_throttled() {
    let (mut world, stuck) = (said(10), key(5));
    let of_stuck =
        |request: &Request| matches!(request, Request::Write(write) if write.key() == Some(&stuck));
    let mut fails = |request: &Request| {
        if of_stuck(request) {
            Fate::Failed
        } else {
            Fate::Done
        }
    };
    let until = world.now + MINUTE;
    world.run_until(until, &mut fails);
    let mut attempts = 0;
    let mut refused = |request: &Request| {
        if of_stuck(request) {
            attempts += 1;
            Fate::Refused
        } else {
            Fate::Done
        }
    };
    let until = world.now + 10 * MINUTE;
    world.run_until(until, &mut refused);
    assert!(
        (5..20_000).contains(&attempts),
        "{attempts} attempts in ten minutes"
    );
    world.run_for(MINUTE);
    world.check_equal();
}
