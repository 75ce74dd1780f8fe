//! Single promises of the writing half that journeys meet too seldom, or could break unseen.

use std::time::Duration;

use ld_dynamodb_relay::model::DriftType;
use ld_dynamodb_relay::plan::{Reason, Write};
use ld_dynamodb_relay::status::TablePhase;
use ld_dynamodb_relay::table::{Outcome, Trouble};
use ld_dynamodb_relay::writer::{
    Answered, Manner, Standing, TableAnswer, TableRequest as Request, WriteEvent as Told,
    WriteFact as Fact,
};

use crate::items::key;
use crate::store::{Fate, Rival};
use crate::world::{Event, World};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// A world with so many items, all of them stored.
fn settled(items: u8) -> World {
    settled_with(items, |_| {})
}

fn settled_with(items: u8, change: impl FnOnce(&mut Manner)) -> World {
    let mut world = World::with(change);
    for number in 0..items {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    // Also what is read again once the marker stands.
    world.run_for(MINUTE);
    world.check_equal();
    world
}

fn stands(world: &World) -> &Standing {
    world.stands.as_ref().unwrap()
}

fn is_write(request: &Request, number: u8) -> bool {
    matches!(request, Request::Write(write) if write.key() == Some(&key(number)))
}

/// Whether a propagation time was told since then of each item that was stored.
fn measured(world: &World, since: usize) -> Vec<bool> {
    let stored = world.facts[since..].iter().filter_map(|fact| match fact {
        Fact::Stored(stored) => Some(stored.propagation.is_some()),
        _ => None,
    });
    stored.collect()
}

fn drift(world: &World) -> Vec<DriftType> {
    let drift = world.facts.iter().filter_map(|fact| match fact {
        Fact::Drifted(_, found) => Some(*found),
        _ => None,
    });
    drift.collect()
}

/// Answers the write of an item with this.
fn answer(world: &mut World, number: u8, outcome: Outcome) {
    let mut flight = world.flight.iter();
    let at = flight.position(|(it, _)| is_write(it, number)).unwrap();
    let (request, sent) = world.flight.remove(at);
    let Request::Write(write) = request else {
        panic!("{request:?}");
    };
    world.now += Duration::from_millis(1);
    let answer = TableAnswer::Written(write, outcome, 1.0);
    let at = world.now;
    world.step(Some(Told::Answered(Answered { answer, sent, at })));
}

/// As soon as it is seen, and before all the rows were read.
#[test]
fn a_marker_that_a_reading_misses_is_shown_as_missing_while_it_is_read() {
    let mut world = settled(9);
    world.store.marker = false;
    world.step(Some(Told::Sync));
    world.serve(0, Fate::Done);
    // It is told with the next page.
    world.serve(0, Fate::Done);
    assert!(
        world.writer.ledger().observed().initialized,
        "it is not written before all was read"
    );
    assert!(!stands(&world).initialized);
    world.run_for(MINUTE);
    world.check_equal();
}

/// What vanishes while it is being written, nobody has seen.
#[test]
fn the_table_is_read_again_soon_after_the_marker_was_written() {
    let mut world = World::new();
    for number in 0..9 {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    world.run_for(SECOND);
    world.check_equal();
    world.store.rival(&key(3), Rival::Delete, world.now);
    world.run_for(35 * SECOND);
    world.check_equal();
    assert_eq!(drift(&world), [DriftType::Missing]);
}

#[test]
fn a_row_that_vanished_has_the_table_read_again_soon() {
    let mut world = settled(9);
    world.store.rival(&key(3), Rival::Delete, world.now);
    world.step(Some(Told::Sync));
    world.run_for(SECOND);
    for number in [4, 5, 6] {
        world.store.rival(&key(number), Rival::Delete, world.now);
        world.run_for(31 * SECOND);
        world.check_equal();
    }
    assert_eq!(drift(&world), [DriftType::Missing; 4]);
    // Another kind of drift is no reason.
    world.run_for(2 * MINUTE);
    world.store.rival(&key(3), Rival::Init(9), world.now);
    world.step(Some(Told::Sync));
    world.run_for(SECOND);
    world.store.rival(&key(3), Rival::Init(10), world.now);
    world.run_for(5 * MINUTE);
    assert_eq!(drift(&world).len(), 5);
}

/// It is pending as long as it is left.
#[test]
fn drift_that_is_left_alone_is_counted_as_pending() {
    let mut world = settled_with(9, |manner| manner.repair = false);
    assert_eq!(stands(&world).pending, 0);
    // A tombstone of something unknown is found, and is as good as nothing: what is left is the other one.
    world.store.rival(&key(20), Rival::Init(1), world.now);
    world.step(Some(Told::Sync));
    world.run_for(SECOND);
    assert_eq!(stands(&world).pending, 1);
    world.store.rival(&key(20), Rival::Delete, world.now);
    world.step(Some(Told::Sync));
    world.run_for(SECOND);
    assert_eq!(world.writer.ledger().left().len(), 0);
}

#[test]
fn the_trouble_with_writing_is_told_before_the_trouble_with_reading() {
    let mut world = settled(9);
    world.happen(&Event::Change(3, true));
    world.step(Some(Told::Sync));
    let mut fails = |request: &Request| match request {
        Request::Write(_) => Fate::Denied,
        _ => Fate::LostBefore,
    };
    world.serve_all(&mut fails);
    assert_eq!(stands(&world).phase, TablePhase::Misconfigured);
    world.run_for(2 * MINUTE);
    world.check_equal();
}

/// DynamoDB says that there is a row, and not what it holds.
#[test]
fn a_row_that_stands_where_none_was_expected_is_read_before_it_is_written_again() {
    let mut world = settled(9);
    world.happen(&Event::Change(20, true));
    world.store.rival(&key(20), Rival::Init(0), world.now);
    answer(&mut world, 20, Outcome::Superseded(None));
    assert!(world.writer.ledger().is_doubtful(&key(20)));
    assert!(world.writes_under_way().next().is_none());
    world.run_for(SECOND);
    world.check_equal();
}

/// It is a write that the table judged: something else that fails is then known to fail by itself.
#[test]
fn a_write_that_met_another_row_shows_that_the_table_works() {
    let mut world = settled(9);
    world.happen(&Event::Change(3, true));
    let mut fails = |request: &Request| {
        if is_write(request, 3) {
            Fate::Failed
        } else {
            Fate::Done
        }
    };
    let until = world.now + MINUTE;
    world.run_until(until, &mut fails);
    assert_eq!(stands(&world).phase, TablePhase::Unreachable);
    world.happen(&Event::Change(5, true));
    answer(&mut world, 5, Outcome::Superseded(None));
    assert_eq!(world.writer.setbacks().taken(), 11);
    assert_eq!(
        world.writer.setbacks().aside(&key(3)),
        Some(Reason::Failing)
    );
    assert!(world.writer.setbacks().own_cause(&key(3)).is_some());
    let until = world.now + SECOND;
    world.run_until(until, &mut fails);
    world.run_for(MINUTE);
    world.check_equal();
}

#[test]
fn a_write_that_met_another_row_is_one_that_the_partition_took() {
    let mut world = settled(9);
    world.happen(&Event::Change(3, true));
    world.happen(&Event::Change(5, true));
    answer(&mut world, 3, Outcome::Refused(Trouble::Throttled("it")));
    answer(&mut world, 5, Outcome::Superseded(None));
    world.run_for(MINUTE);
    world.check_equal();
    world.step(Some(Told::Sync));
    world.run_for(SECOND);
    // 1000 after the refusal, and something for each write: one of the one, three of the other until it was right.
    let rate = stands(&world).rates[1].unwrap();
    assert!((rate - 1_000.0 - 4.0 * 0.69).abs() < 0.01, "{rate}");
}

/// What a full set brings while the first write goes on says nothing of how long a change takes, nor does what the first one
/// brings after a restart; what a later one brings does.
#[test]
fn only_live_changes_are_measured() {
    let mut world = World::new();
    for number in 0..9 {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    let mut denied = |_: &Request| Fate::Refused;
    let until = world.now + SECOND / 20;
    while world
        .flight
        .iter()
        .any(|(it, _)| !matches!(it, Request::Write(_)))
    {
        world.serve(0, Fate::Done);
    }
    world.happen(&Event::Change(20, false));
    world.hear_the_truth();
    world.run_until(until, &mut denied);
    world.run_for(MINUTE);
    world.check_equal();
    assert_eq!(measured(&world, 0), [false; 10]);
    let before = world.facts.len();
    world.happen(&Event::Change(20, false));
    world.hear_the_truth();
    world.run_for(SECOND);
    assert_eq!(measured(&world, before), [true]);
    let before = world.facts.len();
    world.happen(&Event::Change(20, true));
    world.run_for(SECOND);
    assert_eq!(measured(&world, before), [true]);
    world.happen(&Event::Change(20, false));
    world.kill();
    let before = world.facts.len();
    world.hear_the_truth();
    world.run_for(SECOND);
    world.check_equal();
    assert_eq!(measured(&world, before), [false]);
}

/// Each may take as long as a request may.
#[test]
fn of_many_that_fail_few_are_tried_at_a_time() {
    let mut world = World::with(|manner| manner.concurrency = 30);
    for number in 0..40 {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    // Twelve fail, and the others are stored in between.
    let fails = |request: &Request| (1..13).any(|number| is_write(request, number));
    let fate = |request: &Request| {
        if fails(request) {
            Fate::Failed
        } else {
            Fate::Done
        }
    };
    for round in 0..160 {
        world.happen(&Event::Change(20 + round % 20, true));
        let until = world.now + SECOND;
        world.run_until(until, &mut { fate });
    }
    // From now on those have no answer for long; the rest goes on.
    let mut most = 0;
    for round in 0..160 {
        world.happen(&Event::Change(20 + round % 20, true));
        world.idle_until(world.now + SECOND);
        while let Some(at) = world.flight.iter().position(|(it, _)| !fails(it)) {
            world.serve(at, Fate::Done);
        }
        let tried = world.flight.iter().filter(|(it, _)| fails(it)).count();
        assert!(tried <= 4, "{tried} at a time");
        most = most.max(tried);
    }
    assert_eq!(most, 4);
    world.run_for(2 * MINUTE);
    world.check_equal();
}

#[test]
fn what_was_confirmed_while_nothing_may_be_written_is_used_up() {
    let mut world = World::with(|manner| manner.environment_id = Some("ours".into()));
    world.identity = Some("ours".into());
    for number in 0..50 {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    world.run_for(MINUTE);
    for number in 5..50 {
        world.happen(&Event::Delete(number, false));
    }
    world.hear_the_truth();
    world.run_for(MINUTE);
    assert_eq!(world.writer.holds().braked(), 45);
    world.store.identity = Some("theirs".into());
    world.run_for(31 * SECOND);
    assert!(stands(&world).refused.is_some());
    world.step(Some(Told::Release(45)));
    let confirmed = |it: &&Fact| matches!(it, Fact::Confirmed { removals: 45, .. });
    assert_eq!(world.facts.iter().filter(confirmed).count(), 1);
    world.store.identity = Some("ours".into());
    world.run_for(31 * SECOND);
    assert!(stands(&world).refused.is_none());
    assert_eq!(world.writer.holds().braked(), 45);
    assert_eq!(world.store.rows.len(), 50);
}

/// DynamoDB refused what was said; it is tried again as soon as something else is said.
#[test]
fn other_bytes_of_a_refused_item_are_tried_at_once() {
    let mut world = settled(9);
    let mut invalid = |request: &Request| {
        if is_write(request, 3) {
            Fate::Invalid
        } else {
            Fate::Done
        }
    };
    world.happen(&Event::Change(3, true));
    let until = world.now + MINUTE;
    world.run_until(until, &mut invalid);
    let held = world.writer.holds().items[&key(3)].reason;
    assert!(matches!(held, Reason::Malformed(_)));
    // Something else leaves it as it is.
    world.happen(&Event::Change(5, true));
    world.serve_all(&mut |request| {
        assert!(!is_write(request, 3));
        Fate::Done
    });
    world.happen(&Event::Change(3, true));
    assert!(world.flight.iter().any(|(it, _)| is_write(it, 3)));
    world.run_for(SECOND);
    world.check_equal();
}

/// Nothing else happens: it wakes by itself, and as soon as the partition may take more.
#[test]
fn a_partition_that_refuses_is_written_to_again_in_its_time() {
    for (times, within) in [(1, 100), (12, 5_000)] {
        let mut world = settled(9);
        for number in 0..9 {
            world.happen(&Event::Change(number, true));
        }
        let mut left = times;
        let mut refused = |request: &Request| match request {
            Request::Write(Write::Put(..)) if left > 0 => {
                left -= 1;
                Fate::Refused
            }
            _ => Fate::Done,
        };
        let due = world.now + Duration::from_millis(within);
        world.run_until(due + SECOND, &mut refused);
        world.check_equal();
        assert!(world.store.rows.values().all(|row| row.since <= due));
    }
}

/// What is said while a write is under way is measured from its own last byte.
#[test]
fn a_change_that_comes_during_a_write_of_its_item_is_measured_like_any_other() {
    let mut world = settled(9);
    let before = world.facts.len();
    for _ in 0..3 {
        world.happen(&Event::Change(3, true));
        world.now += Duration::from_millis(100);
    }
    world.run_for(SECOND);
    world.check_equal();
    let stored = world.facts[before..].iter().filter_map(|fact| match fact {
        Fact::Stored(stored) => stored.propagation.map(|it| it.as_millis()),
        _ => None,
    });
    // The first from its own, the second from that of the third, which it stores.
    let stored: Vec<_> = stored.map(|milliseconds| milliseconds / 100).collect();
    assert_eq!(stored, [3, 1]);
}
