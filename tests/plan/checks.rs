//! What is true whatever went before.

use ld_dynamodb_relay::model::{DataSet, Generation, Item, ItemFault, Kind};
use ld_dynamodb_relay::plan::{Reason, Write};
use ld_dynamodb_relay::writer::TableRequest as Request;

use crate::items::{goes_backward, is_as_said};
use crate::store::Fate;
use crate::world::{Saying, World};

impl World {
    /// Of every request, when it is sent.
    pub(crate) fn check_request(&self, request: &Request) {
        match request {
            Request::Write(write) => self.check_write(write),
            Request::Page(_) | Request::Vouchers { .. } => {
                let looks = self
                    .flight
                    .iter()
                    .filter(|(it, _)| matches!(it, Request::Page(_) | Request::Vouchers { .. }));
                assert_eq!(looks.count(), 0, "one look at a time");
            }
            Request::Row(key) => assert!(self.writer.ledger().is_doubtful(key)),
            Request::Remember { .. } => {}
        }
    }

    fn check_write(&self, write: &Write) {
        let Some(key) = write.key() else {
            self.check_marker();
            return;
        };
        let under_way = self.writes_under_way();
        let (same, others): (Vec<_>, Vec<_>) = under_way.partition(|it| it.key() == Some(key));
        assert!(same.is_empty(), "{key} has one write at a time");
        assert!(others.len() < self.manner.concurrency);
        let seen = match write {
            Write::Put(_, _, seen) => seen.as_ref(),
            Write::Remove(_, seen) => Some(seen),
            Write::MarkInitialized => None,
        };
        let ledger = self.writer.ledger();
        assert_eq!(
            seen,
            ledger.observed().items.get(key),
            "a write is conditional on what was observed"
        );
        assert!(!ledger.is_doubtful(key), "{key} is read first");
    }

    /// No marker stands before everything that is said is stored, or held for a reason of its own.
    fn check_marker(&self) {
        let writer = &self.writer;
        let observed = &writer.ledger().observed().items;
        let missing = self.reader_looks(|items| {
            let differs = items
                .iter()
                .filter(|(key, item)| !is_as_said(Some(item), observed.get(key)));
            let held = |reason| {
                let held = writer.holds().items.get(reason);
                held.is_some_and(|it| it.reason != Reason::Failing)
            };
            let missing = differs.filter(|(key, _)| !held(key));
            missing.map(|(key, _)| key.clone()).collect::<Vec<_>>()
        });
        assert_eq!(missing, Some(Vec::new()), "the marker stands too early");
        let refused = Some(Reason::Malformed(ItemFault::Refused));
        let storable = |items: &DataSet| {
            items.iter().any(|(key, item)| {
                let held = writer.holds().items.get(key).map(|it| it.reason);
                !item.is_tombstone() && (held.is_none() || held == refused)
            })
        };
        if self.reader_looks(storable) == Some(true) {
            assert!(!observed.is_empty(), "the marker vouches for nothing");
        }
    }

    /// Of a write, just before the table sees it: nothing goes backward that was said only once.
    pub(crate) fn check_before(&self, write: &Write, fate: Fate) {
        let (key, item, seen) = match write {
            Write::Put(key, item, seen) => (key, Some(item), seen.as_ref()),
            Write::Remove(key, seen) => (key, None, Some(seen)),
            Write::MarkInitialized => return,
        };
        let Some(row) = self.store.rows.get(key) else {
            return;
        };
        let written = matches!(fate, Fate::Done | Fate::LostAfter);
        if !written || seen != Some(&row.stamp) || !goes_backward(item, &row.stamp) {
            return;
        }
        let backward = |saying: &Saying| {
            let said = saying.items.get(key);
            said.is_some_and(|said| goes_backward(said.as_ref(), &row.stamp))
        };
        let first = self
            .sayings
            .iter()
            .find(|it| backward(it))
            .expect("it was said");
        let again = self
            .sayings
            .iter()
            .filter(|it| backward(it))
            .filter_map(|it| it.asked);
        assert!(
            again
                .into_iter()
                .any(|asked| asked > first.received && asked > row.since),
            "{key} goes backward though that was said only once"
        );
    }

    /// What is remembered is what is stored, but for what others did, what is in doubt and what is under way.
    pub(crate) fn check_memory(&self) {
        let (store, ledger) = (&self.store, self.writer.ledger());
        let observed = &ledger.observed().items;
        if !self.known {
            return;
        }
        for key in store.rows.keys().chain(observed.keys()) {
            let under_way = self.writes_under_way().any(|it| it.key() == Some(key));
            if store.touched.contains(key) || ledger.is_doubtful(key) || under_way {
                continue;
            }
            let stored = store.rows.get(key).map(|row| &row.stamp);
            assert_eq!(observed.get(key), stored, "{key}");
        }
        for kind in Kind::ALL {
            let live = observed.iter().filter(|(key, _)| key.kind == kind);
            let live = live.filter(|(_, stamp)| !stamp.tombstone).count();
            assert_eq!(ledger.live(kind), live, "live rows are counted");
        }
    }

    /// What was said between these was stored, or something that was said later, or it was held by name since then.
    pub(crate) fn check_stored(&self, before: Generation, up_to: Generation) {
        assert!(before <= up_to, "it is not less than before");
        let ledger = self.writer.ledger();
        let observed = &ledger.observed().items;
        let later = |saying: &&Saying| saying.generation > Some(before);
        // The last one first.
        let sayings: Vec<_> = self.sayings.iter().rev().take_while(later).collect();
        for (index, saying) in sayings.iter().enumerate() {
            if saying.generation > Some(up_to) {
                continue;
            }
            for key in saying.items.keys() {
                let stored = observed.get(key);
                let mut said = sayings[..=index].iter().filter_map(|it| it.items.get(key));
                let is_stored = said.any(|it| is_as_said(it.as_ref(), stored));
                let was_held = self.held.get(key).copied() >= saying.generation;
                let drifted = ledger.drifted(key).is_some() || ledger.left().contains_key(key);
                assert!(is_stored || was_held || drifted, "{key} is not stored yet");
            }
        }
    }

    /// What it says of itself is true.
    pub(crate) fn check_standing(&self) {
        let Some(stands) = &self.stands else { return };
        assert_eq!(stands.braked, self.writer.holds().braked());
        if !stands.settled {
            return;
        }
        let observed = &self.writer.ledger().observed().items;
        let open = self.reader_looks(|items| {
            let differs = items
                .iter()
                .filter(|(key, item)| !is_as_said(Some(item), observed.get(key)));
            let left = self.writer.ledger().left();
            let holds = &self.writer.holds().items;
            let open =
                differs.filter(|(key, _)| !holds.contains_key(key) && !left.contains_key(key));
            open.map(|(key, _)| key.clone()).collect::<Vec<_>>()
        });
        assert_eq!(open, Some(Vec::new()), "it says that all is stored");
        assert_eq!(stands.stored_up_to, self.generation());
    }

    /// The table is what LaunchDarkly says.
    pub(crate) fn check_equal(&self) {
        let truth = self.truth();
        for key in truth.keys().chain(self.store.rows.keys()) {
            let said = truth.get(key);
            let held = self.writer.holds().items.get(key);
            if said.is_some_and(|item| item.version().is_none()) {
                let reason = held.map(|hold| hold.reason);
                assert!(
                    matches!(reason, Some(Reason::Malformed(_))),
                    "{key}: {reason:?}"
                );
                continue;
            }
            let stored = self.store.rows.get(key).map(|row| &row.stamp);
            assert!(
                is_as_said(said, stored),
                "{key}: {said:?}, {stored:?}, {held:?}"
            );
            assert_eq!(held, None, "{key}");
        }
        assert!(self.store.marker, "the marker stands");
        let standing = self.stands.as_ref().expect("it said where it stands");
        assert!(standing.settled, "{:?}", self.writer);
        assert_eq!(standing.stored_up_to, self.generation());
        assert!(standing.trouble.is_none(), "{standing:?}");
        let valid = |item: &&Item| item.version().is_some();
        let live = truth.values().filter(valid).count();
        assert!(standing.live.iter().sum::<usize>() >= live);
    }
}
