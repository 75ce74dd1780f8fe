//! The brake of the roster: a `put` that leaves out too much is not believed at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// So many environments may be left out by one `put`, however few there are.
const ALWAYS_BELIEVED: usize = 5;

/// After how long to ask again.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(10);

/// The environments that a `put` left out and that are kept until another one does so too.
#[derive(Default)]
pub(super) struct RemovalHold {
    held: BTreeSet<Arc<str>>,
    /// The connection on which they were left out.
    connection: u64,
}

impl RemovalHold {
    /// Takes what the `put` of a connection leaves out of the `had` environments that there were, and returns what is
    /// removed. What an earlier connection left out too is believed. Of the rest, all are held if nothing would remain, or
    /// if it is more than half and more than 5.
    pub(super) fn judge(
        &mut self,
        mut omitted: BTreeSet<Arc<str>>,
        had: usize,
        connection: u64,
    ) -> BTreeSet<Arc<str>> {
        let mut believed = BTreeSet::new();
        if connection != self.connection {
            believed.extend(omitted.intersection(&self.held).cloned());
            omitted.retain(|id| !believed.contains(id));
        }
        let left = had.saturating_sub(believed.len());
        let is_much = omitted.len() > ALWAYS_BELIEVED && omitted.len() * 2 > left;
        if !omitted.is_empty() && (omitted.len() >= left || is_much) {
            self.held = omitted;
            self.connection = connection;
        } else {
            believed.append(&mut omitted);
            self.held.clear();
        }
        believed
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
