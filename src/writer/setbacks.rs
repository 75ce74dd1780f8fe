//! Whose fault it is that writes fail: the table's, or one item's. Pure.
//!
//! A write that fails is tried again, later and later. While the writes of others succeed, everything else goes on: an item
//! whose write failed three times running is skipped by the stages, and once others were stored meanwhile it is *failing*. When
//! three items fail with nothing stored in between, it is the table's trouble: nothing is sent until a common wait is over, and
//! no item is blamed. Where all that could be sent has failed three times, one more item is tried with it, and tells whether
//! the table works.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Digest, ItemFault, ItemKey, doubled, shortened};
use crate::plan::Reason;
use crate::table::Trouble;

/// An item whose write failed so often running is skipped by the others.
const FAILURES: u32 = 3;
/// So many items that fail with nothing stored in between are the table's trouble.
const ITEMS: usize = 3;
/// The same for items that are refused as invalid by a table that takes others: a few may be so by themselves.
const REFUSED: usize = 20;

/// What the failures of an item say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blame {
    /// It may be the item or the table.
    Open,
    /// It last failed together with others, which says nothing of it.
    Shared,
    /// It failed again though others were stored meanwhile, and so says nothing of the table.
    Own,
}

/// The failures of one item since it was last stored.
#[derive(Clone, Debug)]
struct Setback {
    cause: Trouble,
    /// What was to be written.
    said: Option<Digest>,
    /// Attempts that failed, whoever's fault it was.
    attempts: u32,
    /// Failures that may be its own: not counted while it is the table that fails.
    failures: u32,
    /// Writes that the table had taken when the first attempt was sent that failed.
    first: u64,
    /// [`WriteFailure::proven`], when it last failed.
    proven: bool,
    retry_at: Instant,
    /// Tried again at once when the trouble of several was over.
    hastened: bool,
    blame: Blame,
}

impl Setback {
    /// DynamoDB refused it as invalid.
    const fn is_invalid(&self) -> bool {
        matches!(self.cause, Trouble::Invalid(_))
    }
}

/// What failed belongs to no item: it is the marker, or whose data this is.
#[derive(Debug)]
struct Alone {
    cause: Trouble,
    failures: u32,
    retry_at: Instant,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Setbacks {
    items: BTreeMap<ItemKey, Setback>,
    /// Items that failed with nothing stored since.
    running: BTreeSet<ItemKey>,
    /// The same where a table that takes writes refused them as invalid.
    refused: BTreeSet<ItemKey>,
    /// Writes that the table took in this term.
    taken: u64,
    /// The trouble with the marker, or with whose data this is. One place is enough: whose data this is, is stored before
    /// everything else, and the marker after it.
    alone: Option<Alone>,
    /// Common failures, one after the other.
    common: u32,
    /// Nobody is sent before then while it is the table that fails.
    until: Option<Instant>,
}

/// What is known of a write that failed.
#[derive(Debug)]
pub struct WriteFailure {
    /// Why.
    pub cause: Trouble,
    /// What was to be written.
    pub said: Option<Digest>,
    /// [`Setbacks::taken`] when it was sent.
    pub taken: u64,
    /// The table takes writes as a rule: it holds live rows, and its marker stands or it took a write in this term.
    pub proven: bool,
}

impl Setbacks {
    /// Writes that the table took in this term.
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// The table took a write: it works.
    pub fn took(&mut self, now: Instant) {
        let mut running = std::mem::take(&mut self.running);
        running.append(&mut self.refused);
        if running.len() > 1 {
            // It may have been the table's fault: that is found out at once, and once.
            for key in running {
                let Some(setback) = self.items.get_mut(&key) else {
                    continue;
                };
                setback.blame = Blame::Shared;
                if !std::mem::replace(&mut setback.hastened, true) {
                    setback.retry_at = now;
                }
            }
        }
        self.taken += 1;
        (self.common, self.until) = (0, None);
    }

    /// The item was stored, or nothing is left to store: its failures are over. Whether there were any.
    pub fn over(&mut self, key: &ItemKey) -> bool {
        self.absolve(key);
        self.items.remove(key).is_some()
    }

    /// The write of an item failed. `jitter` from 0 to 1 shortens the wait by up to a half. Returns the wait.
    pub fn failed(
        &mut self,
        key: &ItemKey,
        failure: WriteFailure,
        now: Instant,
        jitter: f64,
    ) -> Duration {
        let (was_wide, taken) = (self.is_wide(), self.taken);
        let needs_operator = failure.cause.needs_operator();
        let is_known = self.items.contains_key(key);
        let setback = self.items.entry(key.clone()).or_insert_with(|| Setback {
            cause: failure.cause.clone(),
            said: None,
            attempts: 0,
            failures: 0,
            first: failure.taken,
            proven: false,
            retry_at: now,
            hastened: false,
            blame: Blame::Open,
        });
        let others_succeeded = taken > setback.first;
        setback.attempts = setback.attempts.saturating_add(1);
        setback.failures += u32::from(others_succeeded || !was_wide);
        setback.cause = failure.cause;
        (setback.said, setback.proven) = (failure.said, failure.proven);
        let wait = after_failures(setback.failures.max(1), needs_operator, jitter);
        setback.retry_at = now + wait;
        let again = setback.is_invalid() || setback.failures >= FAILURES;
        if is_known && others_succeeded && again {
            setback.blame = Blame::Own;
        } else if setback.blame == Blame::Shared {
            setback.blame = Blame::Open;
        }
        let is_own = setback.blame == Blame::Own;
        let refused = setback.is_invalid() && setback.proven;
        self.absolve(key);
        if is_own {
            return wait;
        }
        let suspects = if refused {
            &mut self.refused
        } else {
            &mut self.running
        };
        suspects.insert(key.clone());
        if !self.is_wide() {
            return wait;
        }
        for key in self.running.iter().chain(&self.refused) {
            let setback = self.items.get_mut(key);
            if let Some(setback) = setback.filter(|it| it.first >= taken) {
                setback.blame = Blame::Shared;
            }
        }
        // All that failed at one time is one failure.
        if let Some(until) = self.until.filter(|until| now < *until) {
            return until - now;
        }
        self.common = self.common.saturating_add(1);
        let wait = after_failures(self.common, needs_operator, jitter);
        self.until = Some(now + wait);
        wait
    }

    fn absolve(&mut self, key: &ItemKey) {
        self.running.remove(key);
        self.refused.remove(key);
    }

    /// What belongs to no item failed: the marker, or whose data this is. Returns the wait.
    pub fn failed_alone(&mut self, cause: Trouble, now: Instant, jitter: f64) -> Duration {
        let failures = self.alone.as_ref().map_or(0, |it| it.failures) + 1;
        let wait = after_failures(failures, cause.needs_operator(), jitter);
        let retry_at = now + wait;
        self.alone = Some(Alone {
            cause,
            failures,
            retry_at,
        });
        wait
    }

    /// What belongs to no item was stored, or is not wanted any more.
    pub fn alone_is_over(&mut self) {
        self.alone = None;
    }

    /// When what belongs to no item may be tried again; none for at once.
    pub fn alone_at(&self) -> Option<Instant> {
        self.alone.as_ref().map(|it| it.retry_at)
    }

    /// Whether anything failed when it was last tried.
    pub fn is_any(&self) -> bool {
        !self.items.is_empty() || self.alone.is_some()
    }

    /// Whether it is the table that fails.
    pub fn is_wide(&self) -> bool {
        self.running.len() >= ITEMS || self.refused.len() >= REFUSED
    }

    /// When anything may be sent again, while it is the table that fails.
    pub fn until(&self) -> Option<Instant> {
        self.until.filter(|_| self.is_wide())
    }

    /// Whether this item failed when it was last tried.
    pub fn contains(&self, key: &ItemKey) -> bool {
        self.items.contains_key(key)
    }

    /// Whether this item failed so often running that another one has to tell whether the table works.
    pub fn is_stuck(&self, key: &ItemKey) -> bool {
        let setback = self.items.get(key);
        setback.is_some_and(|it| it.attempts >= FAILURES)
    }

    /// When this item may be sent; none for at once.
    pub fn retry_at(&self, key: &ItemKey) -> Option<Instant> {
        let setback = self.items.get(key);
        if self.is_wide() && !setback.is_some_and(|it| it.blame == Blame::Own) {
            return self.until;
        }
        setback.map(|it| it.retry_at)
    }

    /// The same for a write of this item, or of the marker where there is none.
    pub fn due_of(&self, key: Option<&ItemKey>) -> Option<Instant> {
        key.map_or_else(|| self.alone_at(), |key| self.retry_at(key))
    }

    /// Why this item is set aside: no stage waits for it.
    pub fn aside(&self, key: &ItemKey) -> Option<Reason> {
        self.reason(self.items.get(key)?)
    }

    fn reason(&self, setback: &Setback) -> Option<Reason> {
        if setback.is_invalid() {
            let refused = Reason::Malformed(ItemFault::Refused);
            return self.is_own(setback).then_some(refused);
        }
        let failing =
            setback.blame == Blame::Own || setback.failures >= FAILURES && !self.is_wide();
        failing.then_some(Reason::Failing)
    }

    /// Whether it is the item that fails, and not the table. Where the table takes valid items as a rule, a refusal as invalid
    /// is believed before anything else was stored.
    fn is_own(&self, setback: &Setback) -> bool {
        let believed = setback.is_invalid() && setback.proven && !self.is_wide();
        setback.blame != Blame::Shared && (self.taken > setback.first || believed)
    }

    /// The items that are set aside, with why.
    pub fn all_aside(&self) -> impl Iterator<Item = (&ItemKey, Reason)> {
        let items = self.items.iter();
        items.filter_map(|(key, it)| Some((key, self.reason(it)?)))
    }

    /// The items that failed and that the stages wait for.
    pub fn waited_for(&self) -> impl Iterator<Item = &ItemKey> {
        let waited_for = self
            .items
            .iter()
            .filter(|(_, it)| self.reason(it).is_none());
        waited_for.map(|(key, _)| key)
    }

    /// What the item failed with, where it is the item that fails.
    pub fn own_cause(&self, key: &ItemKey) -> Option<&Trouble> {
        let setback = self.items.get(key)?;
        self.is_own(setback).then_some(&setback.cause)
    }

    /// The trouble with the table: while it may be the table that fails, or an operator must act.
    pub fn trouble(&self) -> Option<&Trouble> {
        if let Some(alone) = &self.alone {
            return Some(&alone.cause);
        }
        let wide = self.is_wide();
        let mut items = self.items.values();
        let found = items.find(|it| {
            let common = wide && it.blame != Blame::Own;
            common || !self.is_own(it) || it.cause.needs_operator()
        });
        found.map(|it| &it.cause)
    }

    /// Whether an item is set aside of which it is not known yet whether it is the item that fails.
    pub fn is_undecided(&self) -> bool {
        let mut items = self.items.values();
        items.any(|it| self.reason(it).is_some() && !self.is_own(it))
    }

    /// Of the items that are set aside as failing, those whose next attempt is due.
    pub fn due(&self, now: Instant) -> impl Iterator<Item = &ItemKey> {
        let failing = self.failing().filter(move |(_, it)| it.retry_at <= now);
        failing.map(|(key, _)| key)
    }

    /// When the next attempt is due of those that are set aside as failing and not due by `now`.
    pub fn next_due(&self, now: Instant) -> Option<Instant> {
        let later = self.failing().map(|(_, it)| it.retry_at);
        later.filter(|due| *due > now).min()
    }

    fn failing(&self) -> impl Iterator<Item = (&ItemKey, &Setback)> {
        let items = self.items.iter();
        items.filter(|(_, it)| self.reason(it) == Some(Reason::Failing))
    }

    /// Forgets those for which this holds of the item, of why it is set aside and of what was to be written. Which those were.
    pub fn forget(
        &mut self,
        holds: impl Fn(&ItemKey, Option<Reason>, Option<Digest>) -> bool,
    ) -> Vec<ItemKey> {
        let items = self.items.iter();
        let forgotten: Vec<_> = items
            .filter(|(key, it)| holds(key, self.reason(it), it.said))
            .map(|(key, _)| key.clone())
            .collect();
        for key in &forgotten {
            self.over(key);
        }
        forgotten
    }
}

/// The wait after so many failures in a row: a second, doubling to 30 s; what only an operator can mend 5 s, doubling to 60 s.
/// `jitter` from 0 to 1 takes away up to half: environments share a table, and its trouble.
pub fn after_failures(failures: u32, needs_operator: bool, jitter: f64) -> Duration {
    let (first, longest) = if needs_operator {
        (Duration::from_secs(5), Duration::from_mins(1))
    } else {
        (Duration::from_secs(1), Duration::from_secs(30))
    };
    shortened(doubled(first, failures, longest), jitter)
}
