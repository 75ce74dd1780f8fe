//! Everything that a stage waits for fails: whether it is the table that fails, another item tells.

use std::time::Duration;

use ld_dynamodb_relay::model::{ItemFault, ItemKey, Stamp};
use ld_dynamodb_relay::plan::{Reason, Write};
use ld_dynamodb_relay::status::TablePhase;
use ld_dynamodb_relay::writer::TableRequest as Request;

use crate::items::key;
use crate::long::held;
use crate::store::Fate;
use crate::world::{Event, World};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

fn is_put(request: &Request) -> bool {
    matches!(request, Request::Write(Write::Put(..)))
}

fn puts_one_of(request: &Request, keys: &[ItemKey]) -> bool {
    matches!(request, Request::Write(Write::Put(key, ..)) if keys.contains(key))
}

/// These items change, and nobody is told yet.
fn changed(world: &mut World, numbers: &[u8]) {
    for number in numbers {
        world.happen(&Event::Change(*number, false));
    }
}

/// Segments come first, and flags wait for them.
#[test]
fn flags_are_stored_though_every_segment_fails_time_after_time() {
    for segments in [1, 2, 3, 5] {
        for fate in [Fate::LostBefore, Fate::Failed, Fate::Denied, Fate::Invalid] {
            for restarted in [false, true] {
                let case = format!("{segments} segments, {fate:?}, restarted: {restarted}");
                let flags: Vec<_> = (0..40).filter(|number| number % 4 != 0).collect();
                let segments: Vec<_> = (0..segments).map(|number| 4 * number).collect();
                let stuck: Vec<_> = segments.iter().copied().map(key).collect();
                let mut world = World::new();
                changed(&mut world, &[segments.clone(), flags.clone()].concat());
                if restarted {
                    world.hear_the_truth();
                    world.run_for(SECOND);
                    world.check_equal();
                    changed(&mut world, &[segments, flags.clone()].concat());
                    world.kill();
                }
                world.hear_the_truth();
                let mut fails = |request: &Request| {
                    if puts_one_of(request, &stuck) {
                        fate
                    } else {
                        Fate::Done
                    }
                };
                let until = world.now + 5 * MINUTE;
                world.run_until(until, &mut fails);
                for flag in flags.iter().copied().map(key) {
                    let row = world.store.rows.get(&flag).map(|row| &row.stamp);
                    let said = world.truth()[&flag].version();
                    assert_eq!(row.and_then(Stamp::number), said, "{case}: {flag}");
                }
                let expected = match fate {
                    Fate::Invalid => Reason::Malformed(ItemFault::Refused),
                    _ => Reason::Failing,
                };
                for segment in &stuck {
                    assert_eq!(held(&world, segment), Some(expected), "{case}");
                }
                let vouched = restarted || matches!(fate, Fate::Invalid);
                assert_eq!(world.store.marker, vouched, "{case}");
                world.run_for(20 * MINUTE);
                world.check_equal();
            }
        }
    }
}

/// What it held is gone, and so says nothing of what it takes.
#[test]
fn a_table_that_was_emptied_and_takes_nothing_any_more_gets_no_marker_and_nobody_is_blamed() {
    for items in [1, 2, 3, 10] {
        let mut world = World::new();
        changed(&mut world, &(0..items).collect::<Vec<_>>());
        world.hear_the_truth();
        world.run_for(SECOND);
        world.check_equal();
        world.store.empty();
        let mut invalid = |request: &Request| {
            if is_put(request) {
                Fate::Invalid
            } else {
                Fate::Done
            }
        };
        let until = world.now + 20 * MINUTE;
        world.run_until(until, &mut invalid);
        assert!(!world.store.marker, "{items}");
        let standing = world.stands.clone().unwrap();
        assert_eq!(standing.phase, TablePhase::Misconfigured);
        assert!(standing.held.is_empty(), "{:?}", standing.held);
        world.run_for(2 * MINUTE);
        world.check_equal();
    }
}

/// The table holds what it held and its marker stands: some of its items are refused, and nothing else is to be written.
#[test]
fn a_restart_over_a_few_refused_items_names_them_and_is_settled() {
    for refused in 1..6 {
        let odd: Vec<_> = (0..refused).map(|number| 2 * number + 1).collect();
        let keys: Vec<_> = odd.iter().copied().map(key).collect();
        let mut world = World::new();
        changed(&mut world, &(0..20).collect::<Vec<_>>());
        world.hear_the_truth();
        world.run_for(SECOND);
        changed(&mut world, &odd);
        world.kill();
        world.hear_the_truth();
        let mut invalid = |request: &Request| {
            if puts_one_of(request, &keys) {
                Fate::Invalid
            } else {
                Fate::Done
            }
        };
        let until = world.now + 2 * MINUTE;
        world.run_until(until, &mut invalid);
        for key in &keys {
            let expected = Some(Reason::Malformed(ItemFault::Refused));
            assert_eq!(held(&world, key), expected, "{refused}");
        }
        let standing = world.stands.clone().unwrap();
        assert_eq!(standing.phase, TablePhase::Settled, "{refused}");
        world.run_for(20 * MINUTE);
        world.check_equal();
    }
}
