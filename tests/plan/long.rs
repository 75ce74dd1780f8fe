//! Journeys that take long: ten minutes of the brake, an hour of outage, a day with a rival. The time is the test's.

use std::time::Duration;

use crate::items::key;
use crate::store::{Fate, Rival};
use crate::world::{Event, World};
use ld_dynamodb_relay::model::{DriftType, ItemKey, ReopenCause};
use ld_dynamodb_relay::plan::Reason;
use ld_dynamodb_relay::status::TablePhase;
use ld_dynamodb_relay::writer::{TableRequest, WriteEvent as Told, WriteFact as Fact};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// A world with so many flags, all of them stored.
fn settled(flags: u8) -> World {
    settled_with(World::new(), flags)
}

fn settled_with(mut world: World, flags: u8) -> World {
    for number in 0..flags {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    world.run_for(2 * SECOND);
    assert!(world.is_done());
    world
}

fn phase(world: &World) -> TablePhase {
    world.stands.as_ref().unwrap().phase
}

fn drift(world: &World) -> usize {
    let drifted = |it: &&Fact| matches!(it, Fact::Drifted(..));
    world.facts.iter().filter(drifted).count()
}

#[test]
fn the_brake_holds_for_ten_minutes_and_lets_go_when_it_is_said_again() {
    let mut world = settled(50);
    for number in 5..50 {
        world.happen(&Event::Delete(number, false));
    }
    world.hear_the_truth();
    let (began, asked) = (world.now, world.reopened.len());
    world.run_for(MINUTE);
    assert_eq!(world.writer.holds().braked(), 45);
    assert_eq!(world.store.rows.len(), 50);
    world.run_until(began + 10 * MINUTE, &mut |_| Fate::Done);
    assert_eq!(world.writer.holds().braked(), 45, "not a second earlier");
    world.run_for(MINUTE);
    assert!(world.is_done());
    world.check_equal();
    let causes: Vec<_> = world.reopened[asked..].iter().map(|(_, it)| *it).collect();
    assert_eq!(causes, [ReopenCause::Held; 2], "to confirm, and to let go");
}

#[test]
fn an_operator_releases_the_very_number_and_nothing_else() {
    let mut world = settled(50);
    for number in 5..50 {
        world.happen(&Event::Delete(number, false));
    }
    world.hear_the_truth();
    world.run_for(MINUTE);
    for wrong in [44, 46] {
        world.step(Some(Told::Release(wrong)));
        world.run_for(SECOND);
        assert_eq!(world.writer.holds().braked(), 45, "{wrong}");
    }
    world.step(Some(Told::Release(45)));
    world.run_for(SECOND);
    world.check_equal();
    let confirmed = |it: &&Fact| matches!(it, Fact::Confirmed { .. });
    assert_eq!(world.facts.iter().filter(confirmed).count(), 3);
}

/// What was confirmed of one set, nobody has seen of another.
#[test]
fn a_confirmation_does_not_outlive_the_set_that_the_operator_saw() {
    let mut world = settled(50);
    for number in 5..50 {
        world.happen(&Event::Delete(number, false));
    }
    world.hear_the_truth();
    world.run_for(MINUTE);
    // It is not taken before another set came.
    for number in 1..4 {
        world.happen(&Event::Change(number, true));
    }
    for _ in 0..3 {
        world.serve(0, Fate::Denied);
    }
    world.step(Some(Told::Release(45)));
    world.hear_the_truth();
    world.run_for(MINUTE);
    assert_eq!(world.writer.holds().braked(), 45);
}

#[test]
fn an_hour_of_outage_with_a_storm_costs_few_requests_and_loses_nothing() {
    let mut world = settled(40);
    let asked = world.reopened.len();
    let (began, requests) = (world.now, world.requests);
    let mut down = |request: &TableRequest| match request {
        TableRequest::Write(_) => Fate::LostBefore,
        _ => Fate::Failed,
    };
    let mut number = 0_u8;
    while world.now < began + 60 * MINUTE {
        for _ in 0..5 {
            number = (number + 1) % 40;
            world.happen(&Event::Change(number, true));
        }
        let until = world.now + SECOND;
        world.run_until(until, &mut down);
        if world.now > began + 10 * SECOND {
            assert_eq!(phase(&world), TablePhase::Unreachable);
        }
    }
    let during = world.requests - requests;
    assert!(during < 3_000, "{during} requests while nothing answers");
    assert_eq!(world.store.written, 41, "the rows and the marker of before");
    let written = world.store.written;
    world.run_for(MINUTE);
    world.check_equal();
    assert_eq!(world.store.written - written, 40, "each changed row once");
    assert_eq!(world.reopened.len(), asked, "the stream is left alone");
}

#[test]
fn a_day_with_a_rival_shows_it_as_contested_until_it_has_stopped() {
    let mut world = settled(10);
    let rival = key(1);
    let contested = |world: &World| world.stands.as_ref().unwrap().contested.contains(&rival);
    let (began, mut seen) = (world.now, 0);
    for hour in 0..24 {
        for minute in 0..60 {
            world.store.rival(&rival, Rival::Init(9), world.now);
            world.run_for(MINUTE);
            if hour > 0 || minute > 50 {
                assert!(contested(&world), "at {hour}:{minute}");
                seen += 1;
            }
        }
    }
    assert!(seen > 1_300 && world.now >= began + 24 * 60 * MINUTE);
    let reads = 24 * (4 * 5 + 60 * 4) * 3;
    assert!(world.requests < reads, "{} requests", world.requests);
    // Whoever it was has stopped: three verifies find nothing.
    world.run_for(MINUTE);
    let found = drift(&world);
    world.run_for(15 * MINUTE);
    assert!(contested(&world));
    world.run_for(50 * MINUTE);
    assert!(!contested(&world));
    assert!(drift(&world) <= found + 1);
    world.check_equal();
}

#[test]
fn who_takes_the_prefix_over_has_it_within_a_minute_and_can_give_it_back() {
    let mut world = World::with(|manner| manner.environment_id = Some("ours".into()));
    world.identity = Some("ours".into());
    let mut world = settled_with(world, 10);
    assert_eq!(world.store.identity.as_deref(), Some("ours"));
    world.store.identity = Some("theirs".into());
    world.run_for(31 * SECOND);
    let written = world.store.written;
    assert!(world.stands.as_ref().unwrap().refused.is_some());
    assert_eq!(phase(&world), TablePhase::Misconfigured);
    for number in 0..10 {
        world.happen(&Event::Change(number, true));
    }
    world.store.rival(&key(3), Rival::Delete, world.now);
    world.hear_the_truth();
    world.run_for(60 * MINUTE);
    assert_eq!(
        world.store.written, written,
        "nothing is written, and nothing repaired"
    );
    world.store.identity = Some("ours".into());
    world.run_for(31 * SECOND);
    world.check_equal();
}

/// Whatever was under way: what was begun is finished, nothing else is begun, and the next start completes it.
#[test]
fn a_stop_at_every_step_loses_nothing() {
    let mut steps = 0_usize;
    loop {
        let mut world = World::new();
        world.store.rival(&key(1), Rival::Init(9), world.now);
        world.store.rival(&key(7), Rival::Init(1), world.now);
        world.identity = Some("ours".into());
        for number in 0..12 {
            world.happen(&Event::Change(number, false));
        }
        world.hear_the_truth();
        world.step(Some(Told::Sync));
        let mut left = steps;
        while left > 0 && !world.flight.is_empty() {
            let fate = if left.is_multiple_of(7) {
                Fate::LostAfter
            } else {
                Fate::Done
            };
            world.serve(0, fate);
            if world.flight.is_empty() {
                world.idle_until(world.now + SECOND);
            }
            left -= 1;
        }
        let over = left > 0;
        world.stop();
        world.kill();
        world.calm();
        world.check_equal();
        if over {
            break;
        }
        steps += 1;
    }
    assert!(steps > 20, "{steps} steps");
}

#[test]
fn a_table_that_was_emptied_is_whole_again_within_a_minute() {
    let mut world = settled(20);
    for _ in 0..3 {
        world.store.empty();
        world.run_for(MINUTE);
        world.check_equal();
    }
}

/// Somebody puts right what had drifted and was to be left alone: it is forgotten.
#[test]
fn drift_that_is_left_alone_is_forgotten_when_somebody_else_mends_it() {
    let world = World::with(|manner| manner.repair = false);
    let mut world = settled_with(world, 10);
    let before = world.store.rows[&key(1)].clone();
    world.store.rival(&key(1), Rival::Init(7), world.now);
    world.store.rival(&key(2), Rival::Delete, world.now);
    world.run_for(20 * MINUTE);
    assert_eq!(world.writer.ledger().left().len(), 2);
    assert_eq!(world.store.rows.len(), 9, "it is left alone");
    assert_eq!(drift(&world), 2);
    world.store.rows.insert(key(1), before);
    world.store.touched.insert(key(1));
    world.run_for(20 * MINUTE);
    let left: Vec<_> = world.writer.ledger().left().keys().cloned().collect();
    assert_eq!(left, [key(2)]);
    // What is said later is written all the same.
    world.happen(&Event::Change(2, true));
    world.run_for(SECOND);
    assert!(world.writer.ledger().left().is_empty());
    world.check_equal();
}

#[test]
fn tombstones_go_after_a_quarter_of_an_hour_a_few_at_a_time() {
    let mut world = settled(60);
    for number in 0..40 {
        world.happen(&Event::Delete(number, true));
    }
    world.run_for(MINUTE);
    world.hear_the_truth();
    world.run_for(MINUTE);
    let tombstones = |world: &World| {
        let rows = world.store.rows.values();
        rows.filter(|row| row.stamp.tombstone).count()
    };
    let began = world.now;
    let mut drops = Vec::new();
    let mut before = tombstones(&world);
    assert_eq!(before, 40);
    while world.now < began + 60 * MINUTE {
        world.run_for(MINUTE);
        let now = tombstones(&world);
        if now < before {
            drops.push((before - now, (world.now - began).as_secs() / 60));
        }
        before = now;
    }
    let sizes: Vec<_> = drops.iter().map(|(size, _)| *size).collect();
    assert_eq!(sizes, [25, 15], "25 at a verify: {drops:?}");
    assert!(
        drops[0].1 >= 13 && drops[1].1 >= drops[0].1 + 13,
        "{drops:?}"
    );
    let removes = |it: &&Fact| match it {
        Fact::Drifted(_, found) => *found != DriftType::Extra,
        _ => false,
    };
    assert_eq!(world.facts.iter().filter(removes).count(), 0, "no drift");
}

/// The reason why an item is held, where it is.
pub(crate) fn held(world: &World, key: &ItemKey) -> Option<Reason> {
    world.writer.holds().items.get(key).map(|it| it.reason)
}
