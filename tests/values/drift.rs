//! What becomes of drift: contested, left alone, repaired; and of tombstones.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use ld_dynamodb_relay::model::{Desired, DriftType, ItemKey, Observed, Stamp};
use ld_dynamodb_relay::writer::Ledger;
use proptest::prelude::*;

use crate::given::{MINUTE, item, key, keys, stamp, start};

/// What a verify found of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Altered,
    Clean,
    /// Its repair waits still.
    Waits,
}

fn found() -> impl Strategy<Value = Found> {
    prop_oneof![
        4 => Just(Found::Altered),
        3 => Just(Found::Clean),
        1 => Just(Found::Waits),
    ]
}

/// Three alterations in a row, and no three clean verifies in a row since.
fn is_contested(history: &[Found]) -> bool {
    let counted: Vec<_> = history.iter().filter(|it| **it != Found::Waits).collect();
    let ended_by =
        |found: Found, end: usize| end >= 3 && counted[end - 3..end].iter().all(|it| **it == found);
    let last = (0..=counted.len())
        .rev()
        .find(|end| ended_by(Found::Altered, *end));
    last.is_some_and(|last| !(last + 3..=counted.len()).any(|end| ended_by(Found::Clean, end)))
}

#[test]
fn the_model_of_contests_is_what_it_says() {
    use Found::{Altered as A, Clean as C, Waits as W};
    for (history, expected) in [
        (&[A, A][..], false),
        (&[A, A, A], true),
        (&[A, A, C, A], false),
        (&[A, W, A, W, A], true),
        (&[A, A, A, C, C, A, C, C], true),
        (&[A, A, A, C, C, W, C], false),
        (&[A, A, A, C, C, C, A], false),
    ] {
        assert_eq!(is_contested(history), expected, "{history:?}");
    }
}

proptest! {
    #[test]
    fn contested_is_what_three_verifies_running_found_altered_until_three_found_it_clean(
        verifies in prop::collection::vec(prop::collection::vec(found(), 3), 1..25),
    ) {
        let mut ledger = Ledger::default();
        let mut history = vec![Vec::new(); 3];
        for verify in verifies {
            for (history, found) in history.iter_mut().zip(&verify) {
                history.push(*found);
            }
            let with = |found: Found| {
                let numbers = (0..3_u8).zip(&verify).filter(move |(_, it)| **it == found);
                numbers.map(|(number, _)| key(number))
            };
            let drift: Vec<_> = with(Found::Altered).map(|key| (key, DriftType::Altered)).collect();
            let waiting: HashSet<_> = with(Found::Waits).collect();
            ledger.verified(&drift, |key| waiting.contains(key), None, start());
            let contested = (0..3_u8).zip(&history).filter(|(_, history)| is_contested(history));
            let contested: BTreeSet<_> = contested.map(|(number, _)| key(number)).collect();
            prop_assert_eq!(ledger.contested(), contested);
        }
    }
}

const KEYS: u8 = 6;

/// What is said of an item or stands in its row: nothing, a tombstone, or this content.
type Holds = Option<Option<u8>>;

fn holds() -> impl Strategy<Value = Holds> {
    prop::option::weighted(0.7, prop::option::weighted(0.7, 0..3_u8))
}

fn as_item(key: &ItemKey, holds: Option<u8>) -> ld_dynamodb_relay::model::Item {
    let tombstone = || ld_dynamodb_relay::model::Item::tombstone(key, 1);
    holds.map_or_else(tombstone, |salt| item(key, 1, salt))
}

fn as_stamp(key: &ItemKey, holds: Holds) -> Option<Stamp> {
    Some(Stamp::of(&as_item(key, holds?)))
}

fn desired(says: &[Holds]) -> Desired {
    let said = keys(KEYS).zip(says);
    let items = said.filter_map(|(key, holds)| Some((key.clone(), as_item(&key, (*holds)?))));
    Desired::new(items.collect(), start())
}

#[derive(Clone, Debug)]
enum Act {
    /// It was found to differ, and is repaired or left.
    Drift(u8, bool),
    Becomes(u8, Holds),
    Says(u8, Holds),
    PickUp(u8),
    Finish(u8),
    /// The items that wait.
    Verified(HashSet<u8>),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..KEYS, any::<bool>()).prop_map(|(key, repair)| Act::Drift(key, repair)),
        3 => (0..KEYS, holds()).prop_map(|(key, holds)| Act::Becomes(key, holds)),
        3 => (0..KEYS, holds()).prop_map(|(key, holds)| Act::Says(key, holds)),
        1 => (0..KEYS).prop_map(Act::PickUp),
        1 => (0..KEYS).prop_map(Act::Finish),
        2 => prop::collection::hash_set(0..KEYS, 0..4).prop_map(Act::Verified),
    ]
}

proptest! {
    /// What is left alone remembers what was said when it was found, and is forgotten when somebody mends it; what is repaired
    /// is under way until it is done, or waits no longer.
    #[test]
    fn drift_is_remembered_until_it_is_mended(
        says in prop::collection::vec(holds(), usize::from(KEYS)),
        acts in prop::collection::vec(act(), 0..60),
    ) {
        let mut ledger = Ledger::default();
        let mut says = says;
        let mut stands: Vec<Holds> = vec![None; usize::from(KEYS)];
        let (mut left, mut drifted) = (HashMap::new(), HashMap::new());
        for act in acts {
            match act {
                Act::Drift(number, repair) => {
                    let key = key(number);
                    let said = desired(&says);
                    ledger.drift(key.clone(), DriftType::Newer, repair, Some(&said));
                    if repair {
                        drifted.insert(key, DriftType::Newer);
                    } else {
                        let digest = said.items.get(&key).map(|it| it.digest);
                        left.insert(key, digest);
                    }
                }
                Act::Becomes(number, holds) => {
                    let key = key(number);
                    ledger.remember(key.clone(), as_stamp(&key, holds), start());
                    stands[usize::from(number)] = holds;
                }
                Act::Says(number, holds) => says[usize::from(number)] = holds,
                Act::PickUp(number) => {
                    ledger.pick_up(&key(number));
                    left.remove(&key(number));
                }
                Act::Finish(number) => {
                    let repaired = ledger.finish(&key(number));
                    left.remove(&key(number));
                    prop_assert_eq!(repaired, drifted.remove(&key(number)));
                }
                Act::Verified(waiting) => {
                    let waiting: HashSet<_> = waiting.into_iter().map(key).collect();
                    let said = desired(&says);
                    ledger.verified(&[], |key| waiting.contains(key), Some(&said), start());
                    drifted.retain(|key, _| waiting.contains(key));
                    for ((key, says), stands) in keys(KEYS).zip(&says).zip(&stands) {
                        // A tombstone and nothing are one.
                        if says.flatten() == stands.flatten() {
                            left.remove(&key);
                        }
                    }
                }
            }
            prop_assert_eq!(ledger.left(), &left);
            prop_assert_eq!(ledger.is_repairing(), !drifted.is_empty());
            for key in keys(KEYS) {
                prop_assert_eq!(ledger.drifted(&key), drifted.get(&key).copied());
            }
        }
    }

    /// A tombstone guards for a quarter of an hour from when it was first seen, and then 25 go at a time.
    #[test]
    fn tombstones_expire_when_they_have_guarded_and_nobody_speaks_of_them(
        seen in prop::collection::vec((0..60_u8, prop::option::of(any::<bool>()), 0..8_u32), 0..150),
        said in prop::collection::hash_set(0..60_u8, 0..10),
        doubtful in prop::collection::hash_set(0..60_u8, 0..5),
        later in 0..16_u32,
        desires in prop::bool::weighted(0.9),
    ) {
        let mut ledger = Ledger::default();
        let mut now = start();
        let mut guards = HashMap::new();
        for (number, row, seconds) in seen {
            now += seconds * Duration::from_secs(20);
            let stamp = row.map(|tombstone| stamp(Some(1), 0, tombstone));
            ledger.remember(key(number), stamp, now);
            if row == Some(true) {
                guards.entry(number).or_insert(now);
            } else {
                guards.remove(&number);
            }
        }
        for number in &doubtful {
            ledger.doubt(key(*number));
        }
        now += later * MINUTE;
        let items = said.iter().map(|number| (key(*number), item(&key(*number), 1, 0)));
        let desired = Desired::new(items.collect(), now);
        let expired = ledger.verified(&[], |_| false, Some(&desired).filter(|_| desires), now);
        let due = |(number, since): (&u8, &_)| {
            let over = now - *since >= 15 * MINUTE && desires;
            (over && !said.contains(number) && !doubtful.contains(number)).then(|| key(*number))
        };
        let due: HashSet<_> = guards.iter().filter_map(due).collect();
        prop_assert_eq!(expired.len(), due.len().min(25));
        let expired: HashSet<_> = expired.into_iter().collect();
        prop_assert_eq!(expired.len(), due.len().min(25), "each once");
        prop_assert!(expired.is_subset(&due));
    }
}

/// To the moment: neither earlier nor later.
#[test]
fn a_tombstone_guards_for_a_quarter_of_an_hour_to_the_moment() {
    let (mut ledger, now) = (Ledger::default(), start());
    let said = Desired::new([].into(), now);
    ledger.remember(key(1), Some(stamp(Some(1), 0, true)), now);
    ledger.remember(key(1), Some(stamp(Some(2), 0, true)), now + MINUTE);
    let due = now + 15 * MINUTE;
    for (at, expected) in [(due - Duration::from_nanos(1), 0), (due, 1), (due, 1)] {
        let expired = ledger.verified(&[], |_| false, Some(&said), at);
        assert_eq!(expired.len(), expected);
    }
}

#[test]
fn of_many_tombstones_25_go_at_one_verify() {
    let (mut ledger, now) = (Ledger::default(), start());
    let said = Desired::new([].into(), now);
    for key in keys(60) {
        ledger.remember(key, Some(stamp(Some(1), 0, true)), now);
    }
    for expected in [25, 25, 10, 0] {
        let expired = ledger.verified(&[], |_| false, Some(&said), now + 20 * MINUTE);
        assert_eq!(expired.len(), expected);
        for key in expired {
            ledger.remember(key, None, now);
        }
    }
}

#[test]
fn what_vouches_is_remembered_as_it_was_last_seen() {
    let mut ledger = Ledger::default();
    ledger.mark(true);
    ledger.identify(Some("one".into()));
    assert!(ledger.observed().initialized);
    assert_eq!(ledger.observed().environment_id.as_deref(), Some("one"));
    ledger.mark(false);
    ledger.identify(None);
    assert_eq!(*ledger.observed(), Observed::default());
    ledger.doubt(key(0));
    assert!(ledger.is_doubtful(&key(0)) && !ledger.is_doubtful(&key(1)));
    ledger.remember(key(0), None, start());
    assert!(ledger.doubtful().is_empty());
}
