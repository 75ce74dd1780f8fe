//! A reading of the table, page by page, while it changes: what is remembered, and what is found to differ.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use ld_dynamodb_relay::model::{DriftType, ItemKey, Kind, Stamp};
use ld_dynamodb_relay::writer::{Ledger, Page};
use proptest::prelude::*;

use crate::given::{key, keys, row, start};

const KEYS: u8 = 20;

type Rows = BTreeMap<ItemKey, Stamp>;

fn rows() -> impl Strategy<Value = Rows> {
    prop::collection::vec(row(), usize::from(KEYS)).prop_map(|rows| {
        let rows = keys(KEYS).zip(rows);
        rows.filter_map(|(key, row)| Some((key, row?))).collect()
    })
}

/// One page: how many keys it speaks for, whether or not there are rows, and what happens before it comes.
#[derive(Clone, Debug)]
struct Turn {
    span: usize,
    /// Where it reaches the last key: whether it says so, or leaves that to an empty page.
    says_end: bool,
    changes: Vec<(u8, Option<Stamp>)>,
    ours: HashSet<u8>,
    remembered: Option<(u8, Option<Stamp>)>,
    doubted: Option<u8>,
}

fn turn() -> impl Strategy<Value = Turn> {
    (
        0..5_usize,
        any::<bool>(),
        prop::collection::vec((0..KEYS, row()), 0..3),
        prop::collection::hash_set(0..KEYS, 0..3),
        prop::option::weighted(0.2, (0..KEYS, row())),
        prop::option::weighted(0.2, 0..KEYS),
    )
        .prop_map(
            |(span, says_end, changes, ours, remembered, doubted)| Turn {
                span,
                says_end,
                changes,
                ours,
                remembered,
                doubted,
            },
        )
}

/// What changed, in words that need no order of pages.
fn differs(before: Option<&Stamp>, now: Option<&Stamp>) -> Option<DriftType> {
    let is_live = |it: &&Stamp| !it.tombstone;
    match (before, now) {
        (before, now) if before == now => None,
        (None, now) => now.filter(is_live).map(|_| DriftType::Extra),
        (before, None) => before.filter(is_live).map(|_| DriftType::Missing),
        (Some(before), Some(now)) => {
            let order = before
                .number()
                .zip(now.number())
                .map(|(before, now)| now.cmp(&before));
            Some(match order {
                Some(std::cmp::Ordering::Less) => DriftType::Older,
                Some(std::cmp::Ordering::Greater) => DriftType::Newer,
                _ => DriftType::Altered,
            })
        }
    }
}

/// A ledger beside the maps that say what it should hold.
struct Scene {
    ledger: Ledger,
    table: Rows,
    expected: Rows,
    doubtful: BTreeSet<ItemKey>,
}

impl Scene {
    fn remember(&mut self, key: &ItemKey, row: Option<&Stamp>) {
        self.ledger.remember(key.clone(), row.cloned(), start());
        self.doubtful.remove(key);
        set(&mut self.expected, key, row);
    }

    fn doubt(&mut self, key: ItemKey) {
        self.ledger.doubt(key.clone());
        self.doubtful.insert(key);
    }

    /// Reads one page and compares; says whether it was the last one of its kind.
    fn read(&mut self, kind: Kind, after: &mut Option<Arc<str>>, turn: &Turn) -> bool {
        for (number, row) in &turn.changes {
            set(&mut self.table, &key(*number), row.as_ref());
        }
        if let Some((number, row)) = &turn.remembered {
            self.remember(&key(*number), row.as_ref());
        }
        self.doubtful_or_not(turn);
        let ahead: Vec<_> = keys(KEYS)
            .filter(|it| it.kind == kind && after.as_ref().is_none_or(|after| it.key > *after))
            .collect();
        let (spoken_of, is_last) = if turn.span < ahead.len() {
            (&ahead[..turn.span], false)
        } else {
            (&ahead[..], turn.says_end || ahead.is_empty())
        };
        let reached = spoken_of.last().map(|it| Arc::clone(&it.key));
        let last = if is_last {
            None
        } else {
            // A page of nothing at all goes on from where it began.
            reached.or_else(|| after.clone()).or(Some("".into()))
        };
        let rows = spoken_of.iter().filter_map(|key| {
            let row = self.table.get(key)?;
            Some((Arc::clone(&key.key), row.clone()))
        });
        let page = Page {
            kind,
            after: after.clone(),
            rows: rows.collect(),
            last: last.clone(),
        };
        let ours: HashSet<_> = turn.ours.iter().map(|number| key(*number)).collect();
        let mut found = self.ledger.compare(&page, &ours, start());
        let mut expected = Vec::new();
        for key in spoken_of {
            if ours.contains(key) || self.doubtful.contains(key) {
                continue;
            }
            let (before, now) = (self.expected.get(key), self.table.get(key).cloned());
            expected.extend(differs(before, now.as_ref()).map(|it| (key.clone(), it)));
            set(&mut self.expected, key, now.as_ref());
        }
        found.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(found, expected);
        self.check();
        *after = last;
        is_last
    }

    fn doubtful_or_not(&mut self, turn: &Turn) {
        if let Some(number) = turn.doubted {
            self.doubt(key(number));
        }
    }

    fn check(&self) {
        assert_eq!(self.ledger.observed().items, self.expected);
        assert_eq!(*self.ledger.doubtful(), self.doubtful);
        for kind in Kind::ALL {
            let rows = self.expected.iter().filter(|(key, _)| key.kind == kind);
            let live = rows.filter(|(_, row)| !row.tombstone).count();
            assert_eq!(self.ledger.live(kind), live);
        }
        let any = self.expected.values().any(|row| !row.tombstone);
        assert_eq!(self.ledger.holds_anything(), any);
    }
}

fn set(rows: &mut Rows, key: &ItemKey, row: Option<&Stamp>) {
    match row {
        Some(row) => drop(rows.insert(key.clone(), row.clone())),
        None => drop(rows.remove(key)),
    }
}

proptest! {
    /// Page after page it holds what the page showed, and nothing else of it has changed.
    #[test]
    fn a_page_is_believed_for_the_keys_between_its_ends_and_for_no_other(
        remembered in rows(),
        table in rows(),
        doubtful in prop::collection::btree_set(0..KEYS, 0..3),
        turns in prop::collection::vec(turn(), 40),
    ) {
        let ledger = Ledger::default();
        let (expected, none) = (Rows::new(), BTreeSet::new());
        let mut scene = Scene { ledger, table, expected, doubtful: none };
        for (key, row) in &remembered {
            scene.remember(key, Some(row));
        }
        for number in doubtful {
            scene.doubt(key(number));
        }
        scene.check();
        let mut turns = turns.iter();
        for kind in Kind::ALL {
            let mut after = None;
            for turn in turns.by_ref() {
                if scene.read(kind, &mut after, turn) {
                    break;
                }
            }
        }
        let expected = scene.expected;
        prop_assert_eq!(scene.ledger.into_observed().items, expected);
    }

    /// Nobody writes: after one reading, in pages of any size, there is nothing more to find.
    #[test]
    fn a_whole_reading_makes_it_equal_to_the_table(
        remembered in rows(),
        table in rows(),
        ours in prop::collection::hash_set(0..KEYS, 0..4),
        size in 1..7_usize,
    ) {
        let mut ledger = Ledger::default();
        for (key, row) in &remembered {
            ledger.remember(key.clone(), Some(row.clone()), start());
        }
        let ours: HashSet<_> = ours.into_iter().map(key).collect();
        for reading in 0..2 {
            for kind in Kind::ALL {
                let mut rest: Vec<_> = table.iter().filter(|(key, _)| key.kind == kind).collect();
                let mut after = None;
                loop {
                    let more = rest.split_off(rest.len().min(size));
                    let rows = rest.iter().map(|(key, row)| (Arc::clone(&key.key), (*row).clone()));
                    let rows: Vec<_> = rows.collect();
                    let last = rows.last().map(|(key, _)| Arc::clone(key)).filter(|_| !more.is_empty());
                    let page = Page { kind, after, rows, last: last.clone() };
                    let drift = ledger.compare(&page, &ours, start());
                    prop_assert!(reading == 0 || drift.is_empty(), "{drift:?}");
                    if last.is_none() {
                        break;
                    }
                    (rest, after) = (more, last);
                }
            }
        }
        for key in keys(KEYS) {
            let expected = if ours.contains(&key) { remembered.get(&key) } else { table.get(&key) };
            prop_assert_eq!(ledger.observed().items.get(&key), expected);
        }
    }
}
