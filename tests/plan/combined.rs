//! Two troubles at one time: what one of them leaves behind must not mislead the other.

use std::time::Duration;

use ld_dynamodb_relay::plan::{Reason, Write};
use ld_dynamodb_relay::status::TablePhase;
use ld_dynamodb_relay::writer::{TableRequest, WriteEvent, WriteFact};

use crate::items::key;
use crate::long::held;
use crate::store::{Fate, Rival};
use crate::world::{Event, World};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

fn settled(flags: u8) -> World {
    let mut world = World::new();
    for number in 0..flags {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    world.run_for(SECOND);
    assert!(world.is_done());
    world
}

fn phase(world: &World) -> TablePhase {
    world.stands.as_ref().unwrap().phase
}

fn writes(request: &TableRequest, number: u8) -> bool {
    matches!(request, TableRequest::Write(write) if write.key() == Some(&key(number)))
}

/// It fails, and then LaunchDarkly says something of it that is held for another reason: it is not tried meanwhile, and the
/// writing half rests.
#[test]
fn what_fails_and_is_then_held_for_another_reason_is_not_tried() {
    for then in [Event::Delete(3, false), Event::Spoil(3), Event::Restore(2)] {
        let mut world = settled(10);
        let mut fails = |request: &TableRequest| match request {
            _ if writes(request, 3) => Fate::Failed,
            _ => Fate::Done,
        };
        for number in [3, 5] {
            world.happen(&Event::Change(number, true));
        }
        let until = world.now + MINUTE;
        world.run_until(until, &mut fails);
        assert_eq!(held(&world, &key(3)), Some(Reason::Failing));
        world.happen(&then);
        world.happen(&Event::Ask);
        world.happen(&Event::Answer(0));
        let until = world.now + MINUTE;
        world.run_until(until, &mut fails);
        world.run_for(15 * MINUTE);
        world.check_equal();
    }
}

/// LaunchDarkly takes back what is being written: it is not settled before that has landed and was taken back.
#[test]
fn a_write_under_way_that_nobody_wants_any_more_keeps_it_from_being_settled() {
    let mut world = settled(10);
    world.happen(&Event::Change(3, true));
    world.happen(&Event::Restore(1));
    assert_eq!(world.writes_under_way().count(), 1);
    world.hear_the_truth();
    let standing = world.stands.clone().unwrap();
    assert!(!standing.settled, "its row will change");
    assert!(standing.stored_up_to < world.generation());
    world.serve_all(&mut |_| Fate::Done);
    world.run_for(MINUTE);
    world.check_equal();
}

/// The marker waits for another attempt, and whose data this is has to be stored anew meanwhile.
#[test]
fn a_marker_that_failed_is_tried_again_whatever_came_between() {
    let mut world = World::new();
    world.identity = Some("ours".into());
    for number in 0..10 {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    let mut fails = |request: &TableRequest| match request {
        TableRequest::Write(Write::MarkInitialized) => Fate::LostBefore,
        _ => Fate::Done,
    };
    let until = world.now + 20 * SECOND;
    world.run_until(until, &mut fails);
    world.store.identity = None;
    let until = world.now + 40 * SECOND;
    world.run_until(until, &mut fails);
    assert_eq!(world.store.identity.as_deref(), Some("ours"));
    assert!(!world.store.marker);
    world.run_for(MINUTE);
    world.check_equal();
}

/// One page of many times out: that is over with the next one.
#[test]
fn a_page_that_had_no_answer_is_no_trouble_once_the_next_one_came() {
    let mut world = settled(60);
    world.step(Some(WriteEvent::Sync));
    let mut pages = 0;
    let mut troubled = 0;
    for _ in 0..40 {
        world.serve_all(&mut |request| {
            let is_page = matches!(request, TableRequest::Page(_));
            pages += usize::from(is_page);
            if is_page && pages == 3 {
                Fate::LostBefore
            } else {
                Fate::Done
            }
        });
        troubled += usize::from(phase(&world) == TablePhase::Unreachable);
        world.idle_until(world.now + SECOND);
    }
    assert!(pages > 10 && troubled <= 2, "{troubled} of {pages}");
    assert_eq!(phase(&world), TablePhase::Settled);
}

/// Each look at the marker is refused once, for the SDKs need the table's read units: one condition, not one each time.
#[test]
fn looks_that_are_refused_now_and_then_are_one_condition() {
    let mut world = settled(10);
    let mut turn = 0;
    let mut refused = |request: &TableRequest| match request {
        TableRequest::Vouchers { .. } => {
            turn += 1;
            if turn % 2 == 1 {
                Fate::Refused
            } else {
                Fate::Done
            }
        }
        _ => Fate::Done,
    };
    let mut phases = vec![phase(&world)];
    for _ in 0..300 {
        let until = world.now + SECOND;
        world.run_until(until, &mut refused);
        if phases.last() != Some(&phase(&world)) {
            phases.push(phase(&world));
        }
    }
    assert_eq!(phases, [TablePhase::Settled, TablePhase::Throttled]);
    world.run_for(5 * MINUTE);
    assert_eq!(phase(&world), TablePhase::Settled);
}

/// Many rows are in doubt, and all their reads are refused at one time: that is one refusal.
#[test]
fn one_overload_is_one_refusal() {
    let mut world = World::with(|manner| manner.concurrency = 32);
    for number in 0..32 {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    world.run_for(SECOND);
    for number in 0..32 {
        world.happen(&Event::Change(number, true));
    }
    world.serve_all(&mut |request| match request {
        TableRequest::Write(_) => Fate::LostBefore,
        _ => Fate::Done,
    });
    let mut reads = 0;
    let began = world.now;
    let mut refused = |request: &TableRequest| match request {
        TableRequest::Row(_) if reads < 32 => {
            reads += 1;
            Fate::Refused
        }
        _ => Fate::Done,
    };
    let until = began + 10 * SECOND;
    world.run_until(until, &mut refused);
    world.check_equal();
    let last = world.facts.iter().rev().find_map(|fact| match fact {
        WriteFact::Stored(stored) => Some(stored.at),
        _ => None,
    });
    assert!(last.unwrap() < began + 8 * SECOND);
}

/// A rival writes between a write's sending and its answer, after another plan was made: it is compared again soon.
#[test]
fn a_row_that_was_found_different_does_not_wait_for_the_pass() {
    let mut world = settled(10);
    world.happen(&Event::Change(3, true));
    world.store.rival(&key(3), Rival::Init(1), world.now);
    world.store.rival(&key(3), Rival::Spoil(2), world.now);
    world.serve_all(&mut |_| Fate::Done);
    world.run_for(MINUTE);
    world.check_equal();
}
