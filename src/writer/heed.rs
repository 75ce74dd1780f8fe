//! What an answer means for what is remembered.

use std::time::Duration;

use tokio::time::Instant;

use super::agenda::{AgendaEntry, Why};
use super::fact::{RowChange, Stored, WriteFact};
use super::looks::ReadPace;
use super::request::{Answered, TableAnswer};
use super::setbacks::WriteFailure;
use super::step::{Flying, View, Writer};
use super::vocabulary::Purpose;
use crate::model::{At, Item, ItemKey, Stamp, is_as_said};
use crate::plan::{Reason, Write};
use crate::table::{Op, Outcome, Read, Trouble};

impl Writer {
    pub(super) fn answered(&mut self, answered: Answered, view: View<'_>, at: At) {
        let Answered {
            answer,
            sent,
            at: came,
        } = answered;
        // One write of many changes little, and so does a page without drift; another look may change anything.
        self.told.outdated |=
            !matches!(answer, TableAnswer::Written(..) | TableAnswer::Page(Ok(_)));
        match answer {
            TableAnswer::Written(write, outcome, units) => {
                let took = came.saturating_duration_since(sent);
                self.facts
                    .push(WriteFact::WriteEnded(outcome.label(), took));
                self.written(write, outcome, units, sent, view, At { now: came, ..at });
            }
            TableAnswer::Row(key, read) => self.row(key, read, sent, view, At { now: came, ..at }),
            TableAnswer::Vouchers(Ok(vouchers)) => self.vouchers(vouchers, at),
            TableAnswer::Page(Ok(page)) => self.page(page, view, at),
            TableAnswer::Vouchers(Err(trouble)) | TableAnswer::Page(Err(trouble)) => {
                self.facts.push(WriteFact::Failed(trouble.clone()));
                let wait = self.looks.failed(trouble.clone(), at.now, at.jitter);
                self.waits(trouble, wait, false);
            }
            TableAnswer::Remembered(id, outcome, units) => self.remembered(&id, outcome, units, at),
        }
    }

    pub(super) fn waits(&mut self, trouble: Trouble, wait: Duration, own: bool) {
        self.facts.push(WriteFact::Waits { trouble, wait, own });
    }

    fn written(
        &mut self,
        write: Write,
        outcome: Outcome,
        units: f64,
        sent: Instant,
        view: View<'_>,
        at: At,
    ) {
        let purpose = match write {
            Write::MarkInitialized => Purpose::Marker,
            _ => Purpose::Change,
        };
        self.facts.push(WriteFact::Spent(Op::Write, purpose, units));
        let Some(flying) = self.flight.remove(&write.key().cloned()) else {
            return;
        };
        let Some(key) = write.key().cloned() else {
            self.marked(outcome, at);
            return;
        };
        let pace = &mut self.paces[key.kind.index()];
        if matches!(
            outcome,
            Outcome::Applied | Outcome::Superseded(_) | Outcome::Invalid(_)
        ) {
            pace.accepted(sent, flying.units);
        }
        self.looks.touch(&key);
        match outcome {
            Outcome::Applied => self.stored(&write, &flying, false, view, at),
            Outcome::Superseded(row) => self.superseded(write, flying, row, view, at),
            Outcome::Refused(trouble) => {
                pace.refused(at.now, sent, flying.units);
                self.facts.push(WriteFact::Failed(trouble));
                if let Some(pass) = &mut self.pass {
                    pass.again(Some(&key));
                }
            }
            Outcome::Invalid(trouble) | Outcome::Failed(trouble) => {
                self.failed(&key, trouble, &write, &flying, at);
            }
            Outcome::Unknown(trouble) => {
                self.ledger.doubt(key.clone());
                self.failed(&key, trouble, &write, &flying, at);
                self.rows.lost.insert(key, (write, flying));
            }
        }
    }

    fn failed(&mut self, key: &ItemKey, cause: Trouble, write: &Write, flying: &Flying, at: At) {
        self.facts.push(WriteFact::Failed(cause.clone()));
        let failure = WriteFailure {
            cause: cause.clone(),
            said: write.digest(),
            taken: flying.taken,
            proven: self.ledger.holds_anything()
                && (self.ledger.observed().initialized || self.setbacks.taken() > 0),
        };
        let wait = self.setbacks.failed(key, failure, at.now, at.jitter);
        let own = self.setbacks.own_cause(key).is_some();
        self.waits(cause, wait, own);
    }

    fn marked(&mut self, outcome: Outcome, at: At) {
        let trouble = match outcome {
            Outcome::Applied | Outcome::Superseded(_) => {
                self.setbacks.took(at.now);
                self.setbacks.alone_is_over();
                self.ledger.mark(true);
                self.agenda.marker = false;
                // A look that began before has not seen it.
                self.looks.marked();
                // What vanished while it was being written, nobody has seen.
                self.looks.verify_soon(at.now, at.jitter);
                self.facts.push(WriteFact::Marked);
                if let Some(pass) = &mut self.pass {
                    pass.stored(None, &Write::MarkInitialized);
                }
                return;
            }
            Outcome::Refused(trouble)
            | Outcome::Invalid(trouble)
            | Outcome::Unknown(trouble)
            | Outcome::Failed(trouble) => trouble,
        };
        self.failed_alone(trouble, at);
    }

    pub(super) fn failed_alone(&mut self, trouble: Trouble, at: At) {
        self.facts.push(WriteFact::Failed(trouble.clone()));
        let wait = self
            .setbacks
            .failed_alone(trouble.clone(), at.now, at.jitter);
        self.waits(trouble, wait, false);
    }

    /// The row is what the write wanted, by itself or `already`.
    fn stored(&mut self, write: &Write, flying: &Flying, already: bool, view: View<'_>, at: At) {
        let (key, item, before) = match write {
            Write::Put(key, item, before) => (key, Some(item), before.as_ref()),
            Write::Remove(key, before) => (key, None, Some(before)),
            Write::MarkInitialized => return,
        };
        self.setbacks.took(at.now);
        let had_failed = self.setbacks.over(key);
        self.ledger
            .remember(key.clone(), item.map(Stamp::of), at.now);
        self.rows.lost.remove(key);
        let repaired = self.ledger.finish(key);
        let held = self.holds.items.get(key);
        let confirmed = held.is_some_and(|hold| hold.going);
        if confirmed || held.is_some_and(|hold| hold.reason == Reason::Failing) {
            self.holds.items.remove(key);
        }
        self.agenda.finish(key, flying.latest);
        // The marker waited for what could not be stored.
        self.agenda.marker |= had_failed && !self.ledger.observed().initialized;
        if let Some(pass) = &mut self.pass {
            pass.stored(Some(key), write);
        }
        let (from, to) = (before.and_then(Stamp::number), item.and_then(Item::version));
        let announced = match flying.why {
            Why::Announced(received) => Some(received),
            // One of thousands, or what somebody else changed, says nothing about how long a change takes.
            Why::Said(received) if !self.said.loading && repaired.is_none() => Some(received),
            Why::Said(_) | Why::Found | Why::Expired => None,
        };
        // Nor does what waited until it was said again.
        let is_live_change = !confirmed && item.is_some();
        self.facts.push(WriteFact::Stored(Stored {
            key: key.clone(),
            change: match item {
                None => RowChange::Removed,
                Some(item) if item.is_tombstone() => RowChange::Deleted,
                Some(_) => RowChange::Stored,
            },
            from,
            to,
            repaired,
            propagation: announced
                .filter(|_| is_live_change)
                .map(|received| at.now.saturating_duration_since(received)),
            at: at.now,
            lowered: item.is_some_and(|item| !item.is_tombstone()) && to < from,
            already,
            of_first_write: self.said.first_write
                && matches!(flying.why, Why::Found | Why::Expired),
        }));
        self.recheck(key, view);
    }

    /// LaunchDarkly may have said something else while the write was under way.
    fn recheck(&mut self, key: &ItemKey, view: View<'_>) {
        let stored = self.ledger.observed().items.get(key);
        let differs = view
            .desired
            .is_some_and(|desired| !is_as_said(desired.items.get(key), stored));
        if differs && !self.agenda.contains(key) {
            self.agenda.add(key.clone(), self.found());
        }
    }

    pub(super) fn found(&self) -> AgendaEntry {
        AgendaEntry {
            why: Why::Found,
            // Its row may hold what was said at any time since then.
            since: self.said.stored_up_to.next(),
            latest: self.said.taken,
        }
    }

    /// The row was not as we saw it. Where it is what we wanted, we wrote it and lost the answer, or somebody wrote the same.
    fn superseded(
        &mut self,
        write: Write,
        flying: Flying,
        row: Option<Stamp>,
        view: View<'_>,
        at: At,
    ) {
        let Some(key) = write.key().cloned() else {
            return;
        };
        let expected_absence = matches!(write, Write::Put(_, _, None));
        if row.is_none() && expected_absence {
            // There is a row, and the store does not say what it holds.
            self.ledger.doubt(key.clone());
            self.rows.lost.insert(key, (write, flying));
            return;
        }
        if row.as_ref().map(|row| row.digest) == write.digest() {
            self.stored(&write, &flying, true, view, at);
            return;
        }
        self.setbacks.took(at.now);
        self.setbacks.over(&key);
        self.ledger.remember(key.clone(), row, at.now);
        self.compare_again(key);
    }

    fn compare_again(&mut self, key: ItemKey) {
        let waited = self
            .pass
            .as_mut()
            .is_some_and(|pass| pass.reopen(Some(&key)));
        let found = self.found();
        if waited {
            self.agenda.keep(key, found);
        } else {
            self.agenda.add(key, found);
        }
    }

    /// A row that was in doubt was read.
    fn row(
        &mut self,
        key: ItemKey,
        read: Result<Read<Option<Stamp>>, Trouble>,
        sent: Instant,
        view: View<'_>,
        at: At,
    ) {
        self.rows.reading.remove(&key);
        let row = match read {
            Ok(row) => row,
            Err(trouble @ Trouble::Throttled(_)) => {
                self.facts.push(WriteFact::Failed(trouble.clone()));
                // Those that were under way at one refusal say the same.
                let last = self.rows.refused.as_ref();
                if last.is_none_or(|(last, _)| *last < sent) {
                    self.rows.refused = Some((at.now, trouble.clone()));
                    let wait = self.rows.pace.refused(at.jitter);
                    self.rows.not_before = Some(at.now + wait);
                    self.waits(trouble, wait, false);
                }
                return;
            }
            Err(trouble) => {
                // It is another trouble now.
                self.rows.refused = None;
                if let Some((write, flying)) = self.rows.lost.get(&key).cloned() {
                    self.failed(&key, trouble, &write, &flying, at);
                }
                return;
            }
        };
        let wait = self.rows.pace.accepted();
        self.rows.not_before = (!wait.is_zero()).then(|| at.now + wait);
        self.facts
            .push(WriteFact::Spent(Op::Read, Purpose::Settle, row.units));
        self.looks.touch(&key);
        let lost = self.rows.lost.remove(&key);
        let stands = row.value.as_ref().map(|row| row.digest);
        if let Some((write, flying)) = lost.filter(|(write, _)| stands == write.digest()) {
            // It was done, and only the answer was lost.
            self.stored(&write, &flying, true, view, at);
        } else {
            self.ledger.remember(key.clone(), row.value, at.now);
            self.compare_again(key);
        }
        if self.ledger.doubtful().is_empty() {
            (self.rows.pace, self.rows.not_before) = (ReadPace::default(), None);
        }
        if self.rows.not_before.is_none() {
            self.rows.refused = None;
        }
    }
}
