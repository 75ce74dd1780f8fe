//! A plan that is being carried out: stage by stage, some writes in flight at once. Pure.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Generation, ItemKey};
use crate::plan::Write;

/// After so long a pass gives way to what came meanwhile: what changed last goes first.
const PASS_TIME: Duration = Duration::from_millis(250);

/// See the module.
#[derive(Debug)]
pub struct Pass {
    /// To be sent in this stage, in order.
    queue: VecDeque<Write>,
    /// Of this stage: in flight, in doubt, or waiting for another attempt. None is the marker.
    waiting: HashMap<Option<ItemKey>, Write>,
    /// The stages after this one.
    stages: VecDeque<Vec<Write>>,
    /// Failed before; sent after the others, and nothing waits for them.
    retries: VecDeque<Write>,
    /// Something of this stage is to be compared again: no later stage may begin.
    broken: bool,
    /// The last change that was known when it was planned.
    latest: Generation,
    /// From then on it gives way.
    until: Instant,
}

/// What a pass may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is something to send.
    Sends,
    /// It waits for answers, or for another attempt.
    Waits,
    /// It is at its end.
    Ended,
}

impl Pass {
    /// Begins to carry out the stages of a plan that was made when `latest` was the last change known.
    pub fn new(
        stages: Vec<Vec<Write>>,
        retries: Vec<Write>,
        latest: Generation,
        now: Instant,
    ) -> Self {
        let mut pass = Self {
            queue: VecDeque::new(),
            waiting: HashMap::new(),
            stages: stages.into(),
            retries: retries.into(),
            broken: false,
            latest,
            until: now + PASS_TIME,
        };
        pass.advance();
        pass
    }

    /// Begins the next stage if this one is done.
    fn advance(&mut self) {
        while self.queue.is_empty() && self.waiting.is_empty() && !self.broken {
            let Some(stage) = self.stages.pop_front() else {
                break;
            };
            self.queue = stage.into();
        }
    }

    /// What it may do next. `fresh`: something came that it does not know.
    pub fn progress(&mut self, fresh: bool, now: Instant) -> Progress {
        self.advance();
        let late = now >= self.until;
        if !self.queue.is_empty() {
            // The marker vouches for what came meanwhile, too.
            let marks = self.queue.front() == Some(&Write::MarkInitialized);
            return if late || fresh && marks {
                Progress::Ended
            } else {
                Progress::Sends
            };
        }
        if fresh || self.broken && late {
            return Progress::Ended;
        }
        if !self.retries.is_empty() {
            return Progress::Sends;
        }
        if self.waiting.is_empty() {
            Progress::Ended
        } else {
            Progress::Waits
        }
    }

    /// When it gives way, if something makes it.
    pub const fn until(&self) -> Instant {
        self.until
    }

    /// The last change that was known when it was planned.
    pub const fn latest(&self) -> Generation {
        self.latest
    }

    /// Whether something of this stage is to be compared again.
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// The next write of this stage.
    pub fn front(&self) -> Option<&Write> {
        self.queue.front()
    }

    /// Takes the next write of this stage: it is sent, or its answer is awaited already.
    pub fn take(&mut self) -> Option<Write> {
        let write = self.queue.pop_front()?;
        self.waiting.insert(write.key().cloned(), write.clone());
        Some(write)
    }

    /// Moves those of this stage behind that failed when they were last tried.
    pub fn put_behind(&mut self, failed: impl Fn(&ItemKey) -> bool) {
        let is_behind = |write: &Write| write.key().is_some_and(&failed);
        let (behind, before): (VecDeque<_>, VecDeque<_>) =
            self.queue.drain(..).partition(is_behind);
        self.queue = before;
        self.queue.extend(behind);
    }

    /// A write that failed before and is due.
    pub fn next_retry(&self) -> Option<&Write> {
        self.retries.front()
    }

    /// Takes it.
    pub fn take_retry(&mut self) -> Option<Write> {
        self.retries.pop_front()
    }

    /// The writes of this stage that wait, by item; none is the marker.
    pub fn waiting(&self) -> Vec<Option<ItemKey>> {
        self.waiting.keys().cloned().collect()
    }

    /// The row is what this write wanted: the stage goes on, unless the pass wants something else of it.
    pub fn stored(&mut self, key: Option<&ItemKey>, written: &Write) {
        if let Some(wanted) = self.waiting.remove(&key.cloned()) {
            self.broken |= wanted.digest() != written.digest();
        }
    }

    /// The row is to be compared again. Whether this pass waited for it.
    pub fn reopen(&mut self, key: Option<&ItemKey>) -> bool {
        let waited = self.waiting.remove(&key.cloned()).is_some();
        self.broken |= waited;
        waited
    }

    /// This stage waits no more for those that are set aside. What comes after them is planned anew, the marker above all.
    pub fn skip(&mut self, aside: impl Fn(&ItemKey) -> bool) {
        let before = self.waiting.len();
        self.waiting
            .retain(|key, _| !key.as_ref().is_some_and(&aside));
        self.broken |= self.waiting.len() < before;
    }

    /// The same for the one that would be sent next.
    pub fn drop_front(&mut self) {
        self.broken |= self.queue.pop_front().is_some();
    }

    /// Where all of this stage are stuck, the first of a later one that is not is sent before them: without another item
    /// nobody can tell whether it is the table that fails.
    pub fn probe(&mut self, is_stuck: impl Fn(&ItemKey) -> bool) {
        let queued = self.queue.iter().map(Write::key);
        let waiting = self.waiting.keys().map(Option::as_ref);
        let mut stage = queued.chain(waiting).peekable();
        let fails = |key: Option<&ItemKey>| key.is_some_and(&is_stuck);
        if self.broken || stage.peek().is_none() || !stage.all(&fails) {
            return;
        }
        for stage in &mut self.stages {
            let other = |write: &Write| write.key().is_some_and(|key| !is_stuck(key));
            if let Some(index) = stage.iter().position(other) {
                self.queue.push_front(stage.remove(index));
                return;
            }
        }
    }

    /// Whether the marker is what it waits for.
    pub fn waits_for_the_marker(&self) -> bool {
        self.waiting.contains_key(&None)
    }

    /// The write is to be sent again.
    pub fn again(&mut self, key: Option<&ItemKey>) {
        if let Some(write) = self.waiting.remove(&key.cloned()) {
            self.queue.push_front(write);
        }
    }
}
