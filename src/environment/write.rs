//! The half that writes: sleeps until there is something to compare, makes a pass, and looks at the table now and then.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, MaybeDone, maybe_done};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Environment;
use super::backoff::PassBackoff;
use super::cell::{Cell, Reopen};
use super::contested::Contests;
use super::drift::{Look, Looked};
use super::identity::Seen;
use super::operator::Confirmed;
use super::pace::Pace;
use super::tally::Tally;
use super::told::Told;
use crate::model::{Digest, DriftType, ItemKey, Observed, ReopenCause, Stamp};
use crate::plan::{BRAKE_TIME, Holds, Reason};
use crate::table::Trouble;

/// A hold that has stood so long makes the listening half ask again.
const CONFIRM_AFTER: Duration = Duration::from_secs(5);

/// A look that failed is repeated after so long.
const LOOK_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// A look at the table under way, or what was seen.
type Looking = MaybeDone<BoxFuture<'static, Looked>>;

/// See the module.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a thing to do that is independent of the others"
)]
pub(super) struct Writer<'a> {
    pub(super) environment: &'a Environment,
    pub(super) cell: &'a Cell,
    reopen: &'a Reopen,
    /// What the table holds.
    pub(super) observed: Observed,
    /// Live rows, segments and flags.
    pub(super) live: [usize; 2],
    pub(super) holds: Holds,
    /// Everything is to be compared.
    pub(super) everything: bool,
    /// What is to be compared: touched, or left undone.
    pub(super) backlog: HashSet<ItemKey>,
    /// Of the backlog, what was announced singly: it goes first.
    pub(super) urgent: HashSet<ItemKey>,
    /// When the last byte of what announced an item came.
    pub(super) received: HashMap<ItemKey, Instant>,
    /// When the last byte of the last full set came.
    pub(super) full_received: Option<Instant>,
    /// Rows that a write left in doubt: to be read before anything else.
    pub(super) doubtful: HashSet<ItemKey>,
    /// Flags' and segments' partitions.
    pub(super) paces: [Pace; 2],
    /// Whether they had a rate after the last pass.
    pub(super) paced: [bool; 2],
    backoff: PassBackoff,
    /// No pass before then.
    retry_at: Instant,
    /// Rows that changed without us, until they are repaired.
    pub(super) drifted: HashMap<ItemKey, DriftType>,
    /// Drift that is left alone, with what was said then: what is said later is written.
    pub(super) left: HashMap<ItemKey, Option<Digest>>,
    pub(super) left_marker: bool,
    /// The marker is to be written, and was not yet.
    pub(super) unmarked: bool,
    /// Since when tombstones guard.
    pub(super) tombstones: HashMap<ItemKey, Instant>,
    /// Tombstones that have guarded long enough.
    pub(super) expired: HashSet<ItemKey>,
    /// Rows written while the table is being read.
    pub(super) written_meanwhile: HashSet<ItemKey>,
    /// Why nothing may be written, while the last full set is of another environment.
    pub(super) refused: Option<Arc<str>>,
    /// Whose data this is, is to be remembered, and was not yet.
    pub(super) unremembered: bool,
    pub(super) whose: Seen,
    /// Until the brake has been judged with it.
    pub(super) confirmed: Option<Confirmed>,
    /// An operator wants a verify.
    pub(super) verify_due: bool,
    pub(super) contests: Contests,
    pub(super) repaired: Tally,
    pub(super) looking: Option<Looking>,
    verify_at: Instant,
    marker_at: Instant,
    /// The trouble with the table, as it was told.
    pub(super) told: Told,
    /// The table was not initialised when this term began.
    pub(super) first_write: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(environment: &'a Environment, cell: &'a Cell, reopen: &'a Reopen) -> Self {
        let now = Instant::now();
        Self {
            environment,
            cell,
            reopen,
            observed: Observed::default(),
            live: [0; 2],
            holds: Holds::default(),
            everything: false,
            backlog: HashSet::new(),
            urgent: HashSet::new(),
            received: HashMap::new(),
            full_received: None,
            doubtful: HashSet::new(),
            paces: Default::default(),
            paced: [false; 2],
            backoff: PassBackoff::default(),
            retry_at: now,
            drifted: HashMap::new(),
            left: HashMap::new(),
            left_marker: false,
            unmarked: false,
            tombstones: HashMap::new(),
            expired: HashSet::new(),
            written_meanwhile: HashSet::new(),
            refused: None,
            unremembered: false,
            whose: Seen::default(),
            confirmed: None,
            verify_due: false,
            contests: Contests::default(),
            repaired: Tally::default(),
            looking: None,
            verify_at: now,
            marker_at: now,
            told: Told::default(),
            first_write: false,
        }
    }

    pub(super) async fn run(mut self, stop: &CancellationToken) {
        if !self.first_look(stop).await {
            return;
        }
        while !stop.is_cancelled() {
            let now = Instant::now();
            self.take_touched();
            self.take_asked(now);
            self.end_look();
            self.begin_look(now);
            if self.has_work() && self.retry_at <= now {
                let end = self.pass(stop).await;
                self.after_pass(end.trouble.as_ref(), end.applied > 0);
                self.wish(Instant::now());
                continue;
            }
            self.wish(now);
            let wake = self.wake(now);
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = go_on_looking(&mut self.looking) => {}
                () = self.cell.changed() => {}
                () = self.environment.control.operator().asked() => {}
                () = sleep_until(wake) => {}
            }
        }
    }

    /// Reads the table for the first time; false if we were asked to stop before that worked.
    async fn first_look(&mut self, stop: &CancellationToken) -> bool {
        loop {
            // Boxed: the task would be larger for it ever after.
            let look = Box::pin(super::drift::look(
                self.environment.table.clone(),
                Look::First,
            ));
            let looked = tokio::select! {
                biased;
                () = stop.cancelled() => return false,
                looked = look => looked,
            };
            match self.first_looked(looked) {
                Ok(()) => {
                    self.after_pass(None, true);
                    let now = Instant::now();
                    let habits = self.environment.habits;
                    // Many environments that start together do not verify together.
                    self.verify_at = now
                        + habits
                            .verify_interval
                            .mul_f64(0.5 + rand::random::<f64>() / 2.0);
                    self.marker_at = now + habits.marker_check_interval;
                    return true;
                }
                Err(trouble) => {
                    self.after_pass(Some(&trouble), false);
                    tokio::select! {
                        () = stop.cancelled() => return false,
                        () = sleep_until(self.retry_at) => {}
                    }
                }
            }
        }
    }

    pub(super) fn take_touched(&mut self) {
        let touched = self.cell.take();
        if touched.is_empty() {
            return;
        }
        if let Some(received) = touched.full {
            self.everything = true;
            self.full_received = Some(received);
            self.unremembered = self.judge_identity();
            let waiting = &self.backlog;
            self.received.retain(|key, _| waiting.contains(key));
        }
        for (key, received) in touched.items {
            self.left.remove(&key);
            self.backlog.insert(key.clone());
            self.urgent.insert(key.clone());
            self.received.insert(key, received);
        }
    }

    fn has_work(&self) -> bool {
        let work = self.everything
            || !self.backlog.is_empty()
            || !self.doubtful.is_empty()
            || !self.expired.is_empty()
            || self.unmarked
            || self.unremembered;
        work && self.refused.is_none()
    }

    fn after_pass(&mut self, trouble: Option<&Trouble>, progress: bool) {
        let Some(trouble) = trouble else {
            self.backoff.succeeded();
            self.untroubled();
            return;
        };
        let delay = self
            .backoff
            .failed(trouble.needs_operator(), progress, rand::random());
        self.retry_at = Instant::now() + delay;
        self.tell_trouble(trouble, delay);
    }

    /// Makes the listening half ask for everything again.
    pub(super) fn wish_reopening(&self, now: Instant, cause: ReopenCause) {
        self.reopen.wish(now, cause);
    }

    /// Makes the listening half ask again for what has been held long enough, unless it is to ask already.
    fn wish(&self, now: Instant) {
        if self.confirm_at().is_some_and(|due| due <= now) {
            self.wish_reopening(now, ReopenCause::Held);
        }
    }

    /// When the next hold wants to be confirmed; none while it is being asked for, or the answer would not count.
    fn confirm_at(&self) -> Option<Instant> {
        if self.refused.is_some() {
            return None;
        }
        let asked = self
            .cell
            .look(|desired| desired.map(|desired| desired.asked))?;
        if self.reopen.wished_since(Some(asked)).is_some() {
            return None;
        }
        let holds = self.holds.items.values().filter(|hold| !hold.going);
        holds
            .filter_map(|hold| match hold.reason {
                // What was said again since then only waits for its plan.
                Reason::Unconfirmed => {
                    Some(hold.since + CONFIRM_AFTER).filter(|_| hold.since >= asked)
                }
                Reason::Brake => Some(hold.since + BRAKE_TIME).filter(|due| asked < *due),
                Reason::TooLarge(_) | Reason::Malformed(_) => None,
            })
            .min()
    }

    fn wake(&self, now: Instant) -> Instant {
        let timers = if self.looking.is_some() {
            None
        } else {
            Some(self.verify_at.min(self.marker_at))
        };
        let retry = self.has_work().then_some(self.retry_at);
        let far = now + Duration::from_hours(1);
        [timers, retry, self.confirm_at()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(far)
    }

    fn begin_look(&mut self, now: Instant) {
        if self.looking.is_some() {
            return;
        }
        if std::mem::take(&mut self.verify_due) {
            self.verify_at = now;
        }
        let what = if self.verify_at <= now {
            self.written_meanwhile.clear();
            Look::Verify
        } else if self.marker_at <= now {
            let known = self.known().last.is_some();
            Look::Marker { known }
        } else {
            return;
        };
        let look = super::drift::look(self.environment.table.clone(), what);
        self.looking = Some(maybe_done(Box::pin(look)));
    }

    /// Takes what was seen, between passes: what a pass does meanwhile is its own.
    fn end_look(&mut self) {
        let ended = self.looking.as_mut();
        let Some(looked) = ended.and_then(|it| Pin::new(it).take_output()) else {
            return;
        };
        self.looking = None;
        let now = Instant::now();
        let habits = self.environment.habits;
        self.marker_at = now + habits.marker_check_interval;
        if looked.what == Look::Verify {
            self.verify_at = now + jittered(habits.verify_interval);
        }
        match self.compare_look(looked) {
            Ok(marker_gone) if marker_gone => self.verify_at = now,
            Ok(_) => {
                self.report_reached();
                if !self.has_work() {
                    self.untroubled();
                }
            }
            Err(trouble) => {
                self.verify_at = self.verify_at.min(now + LOOK_AGAIN_AFTER);
                self.tell_trouble(&trouble, habits.marker_check_interval.min(LOOK_AGAIN_AFTER));
            }
        }
    }

    /// Has everything read again once the marker is due: what made rows vanish may go on with it.
    pub(super) fn verify_soon(&mut self) {
        let interval = self.environment.habits.marker_check_interval;
        let soon = Instant::now() + jittered(interval);
        self.verify_at = self.verify_at.min(soon);
    }

    /// Gives up a look under way, and looks again soon.
    pub(super) fn look_again(&mut self) {
        self.looking = None;
    }

    /// Remembers what a row holds now.
    pub(super) fn remember(&mut self, key: ItemKey, stamp: Option<Stamp>) {
        let index = key.kind.index();
        if self.looking.is_some() {
            self.written_meanwhile.insert(key.clone());
        }
        if stamp.as_ref().is_some_and(|stamp| stamp.tombstone) {
            self.tombstones
                .entry(key.clone())
                .or_insert_with(Instant::now);
        } else {
            self.tombstones.remove(&key);
        }
        let is_live = stamp.as_ref().is_some_and(|stamp| !stamp.tombstone);
        let before = match stamp {
            Some(stamp) => self.observed.items.insert(key, stamp),
            None => self.observed.items.remove(&key),
        };
        let was_live = before.is_some_and(|stamp| !stamp.tombstone);
        self.live[index] = self.live[index] + usize::from(is_live) - usize::from(was_live);
    }
}

/// Goes on with a look under way; completes when it does.
pub(super) async fn go_on_looking(looking: &mut Option<Looking>) {
    match looking {
        Some(looking @ MaybeDone::Future(_)) => looking.await,
        _ => std::future::pending().await,
    }
}

/// A tenth more or less, so that many environments drift apart.
fn jittered(interval: Duration) -> Duration {
    interval.mul_f64(0.9 + rand::random::<f64>() / 5.0)
}
