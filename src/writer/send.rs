//! What is compared and sent: rows in doubt are read, a pass is made and carried out.

use std::collections::{HashMap, HashSet};

use tokio::time::Instant;

use super::agenda::Why;
use super::ledger::Ledger;
use super::pass::{Pass, Progress};
use super::request::TableRequest;
use super::step::{Flying, View, Work, Writer};
use crate::model::{At, Generation, ItemKey};
use crate::plan::{Aside, Plan, Policy, Reason, Scope, Write, plan};

/// Of the items that are set aside as failing, so many are tried at a time: each may take as long as a request may.
const FAILING_AT_ONCE: usize = 4;

impl Writer {
    /// Reads the rows that a write left in doubt.
    pub(super) fn resolve_doubts(&mut self, at: At, work: &mut Work) {
        if self.ledger.doubtful().is_empty() {
            return;
        }
        if let Some(due) = self.rows.not_before.filter(|due| *due > at.now) {
            work.wake_at(Some(due));
            return;
        }
        for key in self.ledger.doubtful() {
            if self.rows.reading.contains(key) {
                continue;
            }
            match self.setbacks.retry_at(key).filter(|due| *due > at.now) {
                Some(due) => work.wake_at(Some(due)),
                None if self.is_full() => return,
                // Each may take as long as a request may.
                None if self.is_failing(key) && self.has_enough_failing() => {}
                None => {
                    self.rows.reading.insert(key.clone());
                    work.requests.push(TableRequest::Row(key.clone()));
                }
            }
        }
    }

    pub(super) fn has_work(&self, now: Instant) -> bool {
        !self.agenda.is_empty()
            || self.due(now).next().is_some()
            || self.reopened().any(|key| self.is_due(key, now))
    }

    /// The items that were set aside, and are not any more: it may have been the table that failed.
    fn reopened(&self) -> impl Iterator<Item = &ItemKey> {
        let failed = self.setbacks.waited_for();
        failed.filter(|key| !self.agenda.contains(key) && !self.is_busy(key))
    }

    fn is_due(&self, key: &ItemKey, now: Instant) -> bool {
        self.setbacks.retry_at(key).is_none_or(|due| due <= now)
    }

    /// The items that are set aside as failing and can be tried again now.
    fn due(&self, now: Instant) -> impl Iterator<Item = &ItemKey> {
        self.setbacks.due(now).filter(|key| !self.is_busy(key))
    }

    /// Whether nothing can be sent of this item.
    fn is_busy(&self, key: &ItemKey) -> bool {
        is_busy(&self.flight, &self.ledger, Some(key))
    }

    /// Whether as many requests that write or read a row are under way as may be.
    fn is_full(&self) -> bool {
        self.flight.len() + self.rows.reading.len() >= self.manner.concurrency
    }

    fn is_failing(&self, key: &ItemKey) -> bool {
        self.setbacks.aside(key) == Some(Reason::Failing)
    }

    /// Whether as many requests for items that are failing are under way as may be: others need places, too.
    fn has_enough_failing(&self) -> bool {
        let under_way = self.flight.keys().flatten().chain(&self.rows.reading);
        let most = FAILING_AT_ONCE.min(self.manner.concurrency.saturating_sub(1).max(1));
        under_way.filter(|key| self.is_failing(key)).count() >= most
    }

    /// Goes on with the pass, or makes another one.
    pub(super) fn carry_on(&mut self, view: View<'_>, at: At, work: &mut Work) {
        if let Some(until) = self.setbacks.until().filter(|until| *until > at.now) {
            work.wake_at(Some(until));
            return;
        }
        self.renew(at, work);
        // Each turn ends a pass, begins one or sends something; the next step goes on where this one ends.
        let mut turns = 0..2 * self.manner.concurrency + 8;
        loop {
            if turns.next().is_none() {
                work.wake_at(Some(at.now));
                break;
            }
            let Some(pass) = &mut self.pass else {
                if !self.has_work(at.now) || !self.compare(view, at) {
                    break;
                }
                continue;
            };
            match pass.progress(self.agenda.fresh, at.now) {
                Progress::Ended => {
                    self.pass = None;
                    self.told.outdated = true;
                }
                Progress::Sends => {
                    if !self.send(at, work) {
                        break;
                    }
                }
                Progress::Waits => break,
            }
        }
        if let Some(pass) = &self.pass
            && (self.agenda.fresh || pass.is_broken() || pass.front().is_some())
        {
            work.wake_at(Some(pass.until()));
        }
        // What is due and not sent by now goes with the next pass.
        work.wake_at(self.setbacks.next_due(at.now));
        let reopened = self
            .reopened()
            .filter_map(|key| self.setbacks.retry_at(key));
        work.wake_at(reopened.filter(|due| *due > at.now).min());
    }

    /// What the stage waits for is sent again once it is due, or is set aside by now.
    fn renew(&mut self, at: At, work: &mut Work) {
        let Some(pass) = &mut self.pass else { return };
        if !self.setbacks.is_any() && !pass.waits_for_the_marker() {
            return;
        }
        pass.skip(|key| self.setbacks.aside(key).is_some());
        for key in pass.waiting() {
            match self.setbacks.due_of(key.as_ref()) {
                _ if is_busy(&self.flight, &self.ledger, key.as_ref()) => {}
                Some(due) if due > at.now => work.wake_at(Some(due)),
                _ => pass.again(key.as_ref()),
            }
        }
        self.probe();
    }

    /// While nothing is under way that could tell whether the table works, another item is tried with those that are stuck.
    fn probe(&mut self) {
        let is_stuck = |key: &ItemKey| self.setbacks.is_stuck(key);
        let tells = |key: &Option<ItemKey>| !key.as_ref().is_some_and(is_stuck);
        if let Some(pass) = &mut self.pass
            && !self.flight.keys().any(tells)
            && self.rows.reading.iter().all(is_stuck)
        {
            pass.probe(is_stuck);
        }
    }

    /// Compares what is to be compared, and begins to carry out the difference. False where there is nothing to compare.
    fn compare(&mut self, view: View<'_>, at: At) -> bool {
        let Some(desired) = view.desired else {
            return false;
        };
        // Other bytes may be valid.
        self.setbacks.forget(|key, reason, said| {
            matches!(reason, Some(Reason::Malformed(_)))
                && said != desired.items.get(key).map(|item| item.digest)
        });
        let due: HashSet<_> = self.due(at.now).cloned().collect();
        let aside: HashMap<_, _> = self
            .setbacks
            .all_aside()
            .map(|(key, reason)| {
                let retry = due.contains(key);
                (key.clone(), Aside { reason, retry })
            })
            .collect();
        let keys = self.agenda.everything().is_none().then(|| {
            let mut keys = self.agenda.keys_where(|_| true);
            keys.extend(due);
            // What failed and is not set aside is awaited, also where it was set aside before.
            keys.extend(self.setbacks.waited_for().cloned());
            keys
        });
        let scope = keys.as_ref().map_or(Scope::All, Scope::Keys);
        let policy = Policy {
            now: at.now,
            namespace_bytes: self.manner.namespace_bytes,
            confirmed_removals: self.guard.confirmed(desired.asked),
            urgent: &self
                .agenda
                .keys_where(|why| matches!(why, Why::Announced(_))),
            leave: self.ledger.left(),
            leave_marker: self.ledger.left_marker,
            expired: &self.agenda.keys_where(|why| why == Why::Expired),
            aside: &aside,
        };
        let made = plan(desired, self.ledger.observed(), &self.holds, scope, &policy);
        self.largest
            .compared(desired, scope, self.manner.namespace_bytes);
        let writes = || made.stages.iter().flatten();
        let marks = writes().any(|write| *write == Write::MarkInitialized);
        self.agenda
            .planned(writes().filter_map(Write::key), marks, self.said.taken);
        // What differs no longer, or waits for another reason, has not failed.
        let written: HashSet<_> = writes()
            .chain(&made.retries)
            .filter_map(Write::key)
            .collect();
        let is_set_aside = |key: &ItemKey| {
            let (aside, hold) = (aside.get(key), made.held.items.get(key));
            aside.is_some_and(|aside| {
                hold.is_some_and(|hold| hold.going || hold.reason == aside.reason)
            })
        };
        self.setbacks
            .forget(|key, _, _| !written.contains(key) && !is_set_aside(key));
        self.ledger.mended(|key| {
            let is_left = written.contains(key) || made.held.items.contains_key(key);
            scope.compares(key, &self.holds) && !is_left
        });
        let Plan {
            stages,
            retries,
            held,
        } = made;
        self.used_up(Some(&held));
        self.holds = held;
        let mut pass = Pass::new(stages, retries, self.said.taken, at.now);
        pass.put_behind(|key| self.setbacks.contains(key));
        self.pass = Some(pass);
        self.probe();
        self.told.outdated = true;
        true
    }

    /// Sends what may be sent now. False where nothing more may be.
    fn send(&mut self, at: At, work: &mut Work) -> bool {
        let front = self.pass.as_ref().and_then(Pass::front);
        if front == Some(&Write::MarkInitialized) && self.is_open() {
            return false;
        }
        let is_full = self.is_full();
        let Some(pass) = &mut self.pass else {
            return false;
        };
        let Some(write) = pass.front() else {
            return self.retry(at, work);
        };
        let key = write.key().cloned();
        if key
            .as_ref()
            .is_some_and(|key| self.setbacks.aside(key).is_some())
        {
            pass.drop_front();
            return true;
        }
        let due = self.setbacks.due_of(key.as_ref());
        let is_busy = is_busy(&self.flight, &self.ledger, key.as_ref());
        if is_busy || due.is_some_and(|due| due > at.now) {
            work.wake_at(due.filter(|due| *due > at.now));
            pass.take();
            return true;
        }
        if let Some(key) = &key {
            let stands = self.ledger.observed().items.get(key);
            if stands != write.seen() {
                // A write that was under way when this was planned has changed the row.
                let is_done = stands.map(|it| it.digest) == write.digest();
                if let Some(write) = pass.take() {
                    if is_done {
                        self.agenda.finish(key, pass.latest());
                        pass.stored(Some(key), &write);
                    } else {
                        pass.reopen(Some(key));
                    }
                }
                return true;
            }
        }
        if is_full {
            return false;
        }
        if let Some(key) = &key {
            let next = self.paces[key.kind.index()].next(at.now);
            if next > at.now {
                work.wake_at(Some(next));
                return false;
            }
        }
        let latest = pass.latest();
        if let Some(write) = pass.take() {
            self.launch(write, latest, at, work);
        }
        true
    }

    /// Tries a write again that failed before.
    fn retry(&mut self, at: At, work: &mut Work) -> bool {
        if self.is_full() || self.has_enough_failing() {
            return false;
        }
        let Some(pass) = &mut self.pass else {
            return false;
        };
        let kind = pass.next_retry().and_then(Write::key).map(|key| key.kind);
        let next = kind.map(|kind| self.paces[kind.index()].next(at.now));
        if next.is_some_and(|next| next > at.now) {
            work.wake_at(next);
            return false;
        }
        let (latest, Some(write)) = (pass.latest(), pass.take_retry()) else {
            return false;
        };
        let key = write.key();
        let stands = key.and_then(|key| self.ledger.observed().items.get(key));
        if !is_busy(&self.flight, &self.ledger, key) && stands == write.seen() {
            self.launch(write, latest, at, work);
        }
        true
    }

    /// Sends a write that was planned when `latest` was the last change known.
    fn launch(&mut self, write: Write, latest: Generation, at: At, work: &mut Work) {
        let units = self.expected_units(&write);
        let mut why = Why::Found;
        if let Some(key) = write.key() {
            self.paces[key.kind.index()].send(at.now, units);
            self.looks.touch(key);
            // What was said since it was planned is another write's.
            let planned = self.agenda.items().get(key);
            let planned = planned.filter(|entry| entry.latest <= latest);
            why = planned.map_or(why, |entry| entry.why);
        }
        let flying = Flying {
            why,
            latest,
            taken: self.setbacks.taken(),
            units,
        };
        self.flight.insert(write.key().cloned(), flying);
        work.requests.push(TableRequest::Write(write));
    }

    /// Write units are started KB of the new row; that the old one may have been larger, DynamoDB tells by refusing.
    fn expected_units(&self, write: &Write) -> f64 {
        let bytes = match write {
            Write::Put(key, item, _) => item.row_bytes(key, self.manner.namespace_bytes),
            Write::Remove(..) | Write::MarkInitialized => 1,
        };
        f64::from(u32::try_from(bytes.div_ceil(1_024)).unwrap_or(u32::MAX))
    }
}

/// Whether nothing can be sent of this item, or of the marker where there is none: a write of it is under way, or its row is in
/// doubt.
fn is_busy(
    flight: &HashMap<Option<ItemKey>, Flying>,
    ledger: &Ledger,
    key: Option<&ItemKey>,
) -> bool {
    flight.contains_key(&key.cloned()) || key.is_some_and(|key| ledger.is_doubtful(key))
}
