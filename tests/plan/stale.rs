//! LaunchDarkly answers from two replicas, of which one lags, and two stale answers in a row do happen.
//!
//! What is then promised: a row holds only what was once said, the marker stays, the brake still holds most removals, and once
//! the replicas agree one more answer, or the next patch of the item, puts everything right.

use std::time::Duration;

use ld_dynamodb_relay::model::{ItemKey, ReopenCause, Stamp};

use crate::items::{is_as_said, key};
use crate::store::{Fate, Row};
use crate::world::{Event, World};

const SECOND: Duration = Duration::from_secs(1);
const FLAGS: usize = 30;
/// Those that changed once, one after the other, before the replica lagged.
const CHANGED: [u8; 3] = [1, 2, 3];
/// As everything was before they changed.
const BEFORE: u8 = 3;
/// As it was when the last 8 flags were not there yet: few enough for the brake to let them go.
const FEWER: u8 = BEFORE + 8;
/// As it was when 25 of the flags were not there yet, and those that changed were.
const MOST_MISSING: u8 = BEFORE + 25;

/// Two answers in a row, and what follows from them.
#[derive(Clone, Copy, Debug)]
struct Stale {
    /// How many changes each of them lags.
    lag: [u8; 2],
    /// The flags whose rows go back to the version before: both answers say so.
    back: &'static [u8],
    /// Rows that become tombstones.
    removed: usize,
    /// Removals that the brake holds.
    braked: usize,
    /// What the second answer was the first to say, so that it is asked about, too.
    asks_twice: bool,
}

const CASES: [Stale; 8] = [
    Stale {
        lag: [BEFORE, BEFORE],
        back: &CHANGED,
        ..NOTHING
    },
    Stale {
        lag: [BEFORE, 1],
        back: &[3],
        ..NOTHING
    },
    Stale {
        lag: [1, BEFORE],
        back: &[3],
        asks_twice: true,
        ..NOTHING
    },
    Stale {
        lag: [MOST_MISSING, MOST_MISSING],
        back: &CHANGED,
        braked: 25,
        ..NOTHING
    },
    Stale {
        lag: [MOST_MISSING, BEFORE],
        back: &CHANGED,
        ..NOTHING
    },
    Stale {
        lag: [BEFORE, MOST_MISSING],
        back: &CHANGED,
        asks_twice: true,
        ..NOTHING
    },
    Stale {
        lag: [FEWER, FEWER],
        back: &CHANGED,
        removed: 8,
        ..NOTHING
    },
    Stale {
        lag: [MOST_MISSING, 0],
        ..NOTHING
    },
];

const NOTHING: Stale = Stale {
    lag: [0, 0],
    back: &[],
    removed: 0,
    braked: 0,
    asks_twice: false,
};

fn settled() -> World {
    let mut world = World::new();
    for number in 0..u8::try_from(FLAGS).unwrap() {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    world.run_for(2 * SECOND);
    for number in CHANGED {
        world.happen(&Event::Change(number, true));
    }
    world.run_for(SECOND);
    world.check_equal();
    world
}

/// The lagging replica answers, and for 6 s nobody else does. How often it was asked again meanwhile.
fn answer(world: &mut World, lag: u8) -> usize {
    let asked = world.reopened.len();
    world.happen(&Event::Ask);
    world.happen(&Event::Answer(lag));
    let until = world.now + 6 * SECOND;
    while world.now < until {
        world.serve_all(&mut |_| Fate::Done);
        world.idle_until((world.now + SECOND).min(until));
    }
    assert!(world.store.marker);
    for (key, row) in &world.store.rows {
        assert!(was_said(world, key, row), "{key} was never so");
    }
    let causes = &world.reopened[asked..];
    assert!(causes.iter().all(|(_, cause)| *cause == ReopenCause::Held));
    causes.len()
}

fn was_said(world: &World, key: &ItemKey, row: &Row) -> bool {
    let mut said = world.sayings.iter().filter_map(|it| it.items.get(key));
    said.any(|said| is_as_said(said.as_ref(), Some(&row.stamp)))
}

/// Which rows are not as LaunchDarkly has it.
fn behind(world: &World) -> Vec<ItemKey> {
    let stored = |key| world.store.rows.get(key).map(|row: &Row| &row.stamp);
    let differs = world
        .truth()
        .iter()
        .filter(|(key, item)| !is_as_said(Some(item), stored(key)));
    let mut differs: Vec<_> = differs.map(|(key, _)| key.clone()).collect();
    differs.sort();
    differs
}

/// A world after two such answers.
fn after(case: Stale) -> World {
    let mut world = settled();
    let before: Vec<_> = world.store.rows.clone().into_iter().collect();
    let [first, second] = case.lag;
    assert_eq!(answer(&mut world, first), 1, "{case:?}");
    let now: Vec<_> = world.store.rows.clone().into_iter().collect();
    let stamps = |rows: &[(ItemKey, Row)]| -> Vec<Stamp> {
        rows.iter().map(|(_, row)| row.stamp.clone()).collect()
    };
    assert_eq!(stamps(&now), stamps(&before), "it was said once: {case:?}");
    let asked = answer(&mut world, second);
    assert_eq!(asked, usize::from(case.asks_twice), "{case:?}");

    for number in CHANGED {
        let version = if case.back.contains(&number) { 1 } else { 2 };
        let stored = world.store.rows[&key(number)].stamp.number();
        assert_eq!(stored, Some(version), "{number}: {case:?}");
    }
    let rows = world.store.rows.values();
    assert_eq!(rows.len(), FLAGS, "nothing is deleted: {case:?}");
    let removed = rows.filter(|row| row.stamp.tombstone).count();
    assert_eq!(removed, case.removed, "{case:?}");
    assert_eq!(world.writer.holds().braked(), case.braked, "{case:?}");
    assert_eq!(behind(&world).len(), case.back.len() + removed, "{case:?}");
    world
}

#[test]
fn the_next_answer_puts_right_what_two_stale_answers_in_a_row_did() {
    for case in CASES {
        let mut world = after(case);
        let asked = world.reopened.len();
        world.hear_the_truth();
        world.run_for(6 * SECOND);
        assert_eq!(behind(&world), [], "{case:?}");
        world.check_equal();
        // A flag comes back under the version of its tombstone, so that is said twice, too.
        let asks = usize::from(case.removed > 0);
        assert_eq!(world.reopened.len() - asked, asks, "{case:?}");
    }
}

/// Before the replicas agree again.
#[test]
fn the_next_patch_of_an_item_puts_it_right() {
    for case in CASES {
        let mut world = after(case);
        for number in CHANGED {
            world.happen(&Event::Change(number, true));
        }
        world.run_for(SECOND);
        for number in CHANGED {
            assert!(!behind(&world).contains(&key(number)), "{case:?}");
        }
        assert_eq!(behind(&world).len(), case.removed, "{case:?}");
        assert_eq!(world.writer.holds().braked(), case.braked, "{case:?}");
        world.calm();
        world.check_equal();
    }
}
