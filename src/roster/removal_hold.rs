//! The brake of the roster: a `put` that leaves out too much is not believed at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// So many environments may be left out by one `put`, however few there are.
const ALWAYS_BELIEVED: usize = 5;

/// After how long it is asked again; what is said sooner is not believed.
const ASK_AGAIN_MS: u64 = 10_000;

/// The environments that a `put` left out and that are kept until another one does so too.
#[derive(Default)]
pub(super) struct RemovalHold {
    held: BTreeSet<Arc<str>>,
    /// The connection on which they were left out, and when.
    connection: u64,
    since_ms: u64,
}

impl RemovalHold {
    /// Takes what the `put` of a connection leaves out of the `had` environments that there were, and returns what is
    /// removed. What an earlier connection left out too, 10 s before or longer, is believed. Of the rest, all are held if
    /// nothing would remain, or if it is more than half and more than 5.
    pub(super) fn judge(
        &mut self,
        mut omitted: BTreeSet<Arc<str>>,
        had: usize,
        connection: u64,
        now_ms: u64,
    ) -> BTreeSet<Arc<str>> {
        let known: BTreeSet<_> = omitted.intersection(&self.held).cloned().collect();
        let is_held = !known.is_empty();
        let mut believed = BTreeSet::new();
        if connection != self.connection && is_held {
            if !self.rest(now_ms).is_zero() {
                // It is said again too soon.
                self.held = omitted;
                return believed;
            }
            omitted.retain(|id| !known.contains(id));
            believed = known;
        }
        let left = had.saturating_sub(believed.len());
        let is_much = omitted.len() > ALWAYS_BELIEVED && omitted.len() * 2 > left;
        if !omitted.is_empty() && (omitted.len() >= left || is_much) {
            self.held = omitted;
            if connection != self.connection || !is_held {
                (self.connection, self.since_ms) = (connection, now_ms);
            }
        } else {
            believed.append(&mut omitted);
            self.held.clear();
        }
        believed
    }

    /// How long until it is to be asked again.
    pub(super) fn rest(&self, now_ms: u64) -> Duration {
        let passed = now_ms.saturating_sub(self.since_ms);
        Duration::from_millis(ASK_AGAIN_MS.saturating_sub(passed))
    }

    /// How many are held.
    pub(super) fn count(&self) -> usize {
        self.held.len()
    }

    /// It was heard of otherwise.
    pub(super) fn release(&mut self, id: &str) {
        self.held.remove(id);
    }

    /// An operator wants this many removed: what is held, if that is the number.
    pub(super) fn confirm(&mut self, count: usize) -> Option<BTreeSet<Arc<str>>> {
        (count > 0 && count == self.held.len()).then(|| std::mem::take(&mut self.held))
    }
}
