//! Where the halves meet: each reader takes what was touched since it last did, whatever the others do.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::FutureExt as _;
use ld_dynamodb_relay::environment::{Cell, Reader};
use ld_dynamodb_relay::listener::Context;
use ld_dynamodb_relay::model::{Applied, Generation, ItemKey, Touched, TouchedFull};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::items::{key, live, set};

const SECOND: Duration = Duration::from_secs(1);

/// A cell, and what happens to it at one second after the other.
struct Said {
    cell: Cell,
    now: Instant,
}

impl Said {
    fn nothing() -> Self {
        Self {
            cell: Cell::default(),
            now: Instant::now(),
        }
    }

    /// Everything is said: three items.
    fn full(&mut self) -> Generation {
        self.now += SECOND;
        let changed = self.cell.full(set(0..3), self.now, self.now, None);
        changed.generation
    }

    /// This item is said at this version.
    fn newer(&mut self, number: u8, version: u64) -> Option<(Applied, Generation)> {
        self.now += SECOND;
        let item = live(&key(number), version, 0);
        self.cell.newer(&key(number), item, self.now)
    }
}

fn is_told(reader: &Reader) -> bool {
    reader.changed().now_or_never().is_some()
}

/// What a reader takes: whether a full set, and if so whether a first one; which items; and up to which changes.
fn taken(reader: &Reader) -> Option<(Option<bool>, Vec<ItemKey>, Generation, Generation)> {
    let touched = reader.take()?;
    let mut items: Vec<_> = touched.items.into_keys().collect();
    items.sort();
    let full = touched.full.map(|it| it.is_first);
    Some((full, items, touched.since, touched.latest))
}

/// The version at which this item is said.
fn version(reader: &Reader, number: u8) -> Option<u64> {
    reader.look(|view| view.desired?.items.get(&key(number))?.version())
}

#[test]
fn two_readers_are_each_told_everything_once() {
    let mut said = Said::nothing();
    let (first, second) = (said.cell.reader(), said.cell.reader());
    for reader in [&first, &second] {
        assert!(!is_told(reader) && reader.take().is_none());
    }
    let full = said.full();
    let (_, patched) = said.newer(1, 2).unwrap();
    assert!(is_told(&first));
    assert_eq!(
        taken(&first),
        Some((Some(true), vec![key(1)], full, patched))
    );
    assert!(first.take().is_none() && !is_told(&first));
    // One that is slow finds all of it in one place; the other one is told the rest alone.
    let (_, last) = said.newer(2, 2).unwrap();
    assert!(is_told(&first) && is_told(&second));
    assert_eq!(taken(&first), Some((None, vec![key(2)], last, last)));
    let all = vec![key(1), key(2)];
    assert_eq!(taken(&second), Some((Some(true), all, full, last)));
    for reader in [&first, &second] {
        assert!(reader.take().is_none() && !is_told(reader));
    }
}

#[test]
fn what_is_not_newer_touches_nothing() {
    let mut said = Said::nothing();
    let reader = said.cell.reader();
    assert!(said.newer(1, 1).is_none(), "everything has to be said once");
    assert!(reader.take().is_none() && !is_told(&reader));
    let full = said.full();
    assert!(is_told(&reader) && reader.take().is_some());
    assert_eq!(said.newer(1, 1), Some((Applied::Same, full)));
    assert_eq!(said.newer(1, 0), Some((Applied::Older, full)));
    assert!(reader.take().is_none() && !is_told(&reader));
}

#[test]
fn who_begins_late_is_told_of_everything_at_once() {
    let mut said = Said::nothing();
    said.full();
    let received = said.now;
    let (_, last) = said.newer(1, 2).unwrap();
    let late = said.cell.reader();
    assert!(is_told(&late));
    let touched = late.take().unwrap();
    let full = touched.full.unwrap();
    assert!(full.is_first, "it has never compared anything");
    assert_eq!(full.received, received);
    assert!(touched.items.is_empty(), "that is part of everything");
    assert_eq!((touched.since, touched.latest), (last, last));
    assert!(late.take().is_none() && !is_told(&late));
    assert_eq!(version(&late, 1), Some(2));
    // From now on it is told like any other.
    let again = said.full();
    assert_eq!(taken(&late), Some((Some(false), Vec::new(), again, again)));
    // A second set before it took the first one changes nothing for one that begins.
    let later = said.cell.reader();
    let last = said.full();
    assert_eq!(taken(&later), Some((Some(true), Vec::new(), again, last)));
}

#[test]
fn who_leaves_takes_nothing_from_the_others() {
    let mut said = Said::nothing();
    let (first, second) = (said.cell.reader(), said.cell.reader());
    said.full();
    drop(first);
    let (_, patched) = said.newer(1, 2).unwrap();
    assert!(is_told(&second));
    let (_, items, _, latest) = taken(&second).unwrap();
    assert_eq!((items, latest), (vec![key(1)], patched));
    // Who comes after does not take over what the one before left.
    let third = said.cell.reader();
    let (full, items, since, _) = taken(&third).unwrap();
    assert_eq!((full, items, since), (Some(true), Vec::new(), patched));
    drop((second, third));
    let (_, last) = said.newer(2, 2).unwrap();
    let only = said.cell.reader();
    assert_eq!(taken(&only), Some((Some(true), Vec::new(), last, last)));
    assert_eq!(version(&only, 2), Some(2));
}

/// What may happen to a cell.
#[derive(Clone, Copy, Debug)]
enum Step {
    Full,
    Newer(u8),
    Begin,
    Take(u8),
    Leave(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Full),
        4 => (0..4_u8).prop_map(Step::Newer),
        1 => Just(Step::Begin),
        3 => (0..8_u8).prop_map(Step::Take),
        1 => (0..8_u8).prop_map(Step::Leave),
    ]
}

/// What a reader should find when it next takes something.
#[derive(Default)]
struct Due {
    full: Option<TouchedFull>,
    items: HashMap<ItemKey, Instant>,
    span: Option<(Generation, Generation)>,
}

impl Due {
    fn touch(&mut self, generation: Generation) {
        let since = self.span.map_or(generation, |(since, _)| since);
        self.span = Some((since, generation));
    }

    fn full(&mut self, received: Instant, is_first: bool, generation: Generation) {
        let is_first = is_first || self.full.is_some_and(|it| it.is_first);
        self.full = Some(TouchedFull { received, is_first });
        self.touch(generation);
    }

    fn check(&self, touched: Option<&Touched>) {
        let found = touched.map(|it| (it.since, it.latest));
        assert_eq!(found, self.span);
        let full = |it: TouchedFull| (it.received, it.is_first);
        let found = touched.and_then(|it| it.full).map(full);
        assert_eq!(found, self.full.map(full));
        let found = touched.map(|it| it.items.clone()).unwrap_or_default();
        assert_eq!(found, self.items);
    }
}

proptest! {
    /// Whoever begins, leaves and takes in between: each finds what was touched since it last took something, and its bell
    /// has rung if that is anything.
    #[test]
    fn each_reader_is_as_if_it_were_alone(steps in prop::collection::vec(step(), 0..60)) {
        let mut said = Said::nothing();
        let mut readers: Vec<(Reader, Due)> = Vec::new();
        let mut last = None;
        for (version, step) in (2..).zip(steps) {
            match step {
                Step::Full => {
                    let (is_first, generation) = (last.is_none(), said.full());
                    for (_, due) in &mut readers {
                        due.full(said.now, is_first, generation);
                    }
                    last = Some((said.now, generation));
                }
                Step::Newer(number) => {
                    let Some((Applied::Yes, generation)) = said.newer(number, version) else {
                        prop_assert!(last.is_none());
                        continue;
                    };
                    for (_, due) in &mut readers {
                        due.items.insert(key(number), said.now);
                        due.touch(generation);
                    }
                    last = last.map(|(received, _)| (received, generation));
                }
                Step::Begin => {
                    let mut due = Due::default();
                    if let Some((received, generation)) = last {
                        due.full(received, true, generation);
                    }
                    readers.push((said.cell.reader(), due));
                }
                Step::Take(_) | Step::Leave(_) if readers.is_empty() => {}
                Step::Take(which) => {
                    let index = usize::from(which) % readers.len();
                    let (reader, due) = &mut readers[index];
                    prop_assert!(due.span.is_none() || is_told(reader));
                    due.check(reader.take().as_ref());
                    *due = Due::default();
                }
                Step::Leave(which) => drop(readers.remove(usize::from(which) % readers.len())),
            }
        }
        for (reader, due) in readers {
            due.check(reader.take().as_ref());
        }
    }
}
