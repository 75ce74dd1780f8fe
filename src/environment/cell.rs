//! Where the two halves meet: what LaunchDarkly says, and what of it was touched since the writing half last looked.
//!
//! A storm merges here. The queue is one map, so it is bounded by the environment.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::model::{Applied, DataSet, Desired, Item, ItemKey, ReopenCause};

/// How long a full set's omission guards against late patches; as long as a tombstone guards in the table.
pub(super) const GUARD_TIME: Duration = Duration::from_mins(15);

/// What was touched since the writing half last looked.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// A full set came; when its last byte did.
    pub(super) full: Option<Instant>,
    /// Single items, with when the last byte of their event came.
    pub(super) items: HashMap<ItemKey, Instant>,
}

impl Touched {
    /// Whether nothing was touched.
    pub(super) fn is_empty(&self) -> bool {
        self.full.is_none() && self.items.is_empty()
    }
}

#[derive(Default)]
struct Said {
    desired: Option<Desired>,
    /// Whose LaunchDarkly said that the last full set is.
    environment_id: Option<Arc<str>>,
    touched: Touched,
}

/// What a full set says otherwise than was said before it.
pub(super) struct Changed {
    /// How many items, in the order of `Kind::ALL`.
    pub(super) counts: [usize; 2],
    /// Which; empty for the first set of a term, where it is all of them.
    pub(super) items: HashSet<ItemKey>,
}

/// The cell. One for each term: at its start nothing has been said.
#[derive(Default)]
pub(super) struct Cell {
    said: Mutex<Said>,
    changed: Notify,
}

impl Cell {
    /// Everything was said, asked for at `asked`, of the environment that LaunchDarkly names so.
    pub(super) fn full(
        &self,
        items: DataSet,
        asked: Instant,
        received: Instant,
        environment_id: Option<Arc<str>>,
    ) -> Changed {
        let mut said = self.lock();
        let changed = match &mut said.desired {
            Some(desired) => {
                let differing: HashSet<_> = desired.differing(&items).cloned().collect();
                let counts = count(differing.iter());
                desired.replace(items, asked, received + GUARD_TIME);
                Changed {
                    counts,
                    items: differing,
                }
            }
            none => {
                let counts = count(items.keys());
                *none = Some(Desired::new(items, asked));
                Changed {
                    counts,
                    items: HashSet::new(),
                }
            }
        };
        said.environment_id = environment_id;
        said.touched.full = Some(received);
        drop(said);
        self.changed.notify_one();
        changed
    }

    /// One item was said, which counts if it is newer. Before everything was said once, it says nothing.
    pub(super) fn newer(&self, key: ItemKey, item: Item, received: Instant) -> Option<Applied> {
        let mut said = self.lock();
        let applied = said.desired.as_mut()?.apply_newer(key.clone(), item);
        if applied == Applied::Yes {
            said.touched.items.insert(key, received);
            drop(said);
            self.changed.notify_one();
        }
        Some(applied)
    }

    /// What was touched since this was last asked.
    pub(super) fn take(&self) -> Touched {
        std::mem::take(&mut self.lock().touched)
    }

    /// Whether nothing was touched since [`Cell::take`].
    pub(super) fn is_untouched(&self) -> bool {
        self.lock().touched.is_empty()
    }

    /// Looks at what is said. `look` must be quick: the listening half waits.
    pub(super) fn look<T>(&self, look: impl FnOnce(Option<&Desired>) -> T) -> T {
        look(self.lock().desired.as_ref())
    }

    /// The same, with LaunchDarkly's ID of the environment that the last full set is of, where its session told one: both
    /// at one time, so that nobody's data is taken for another's.
    pub(super) fn look_at_whose<T>(
        &self,
        look: impl FnOnce(Option<&Desired>, Option<&str>) -> T,
    ) -> T {
        let said = self.lock();
        look(said.desired.as_ref(), said.environment_id.as_deref())
    }

    /// Completes when something was touched since [`Cell::take`].
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count<'a>(keys: impl Iterator<Item = &'a ItemKey>) -> [usize; 2] {
    let mut counts = [0; 2];
    for key in keys {
        counts[key.kind.index()] += 1;
    }
    counts
}

/// The wish that everything be asked for again, with when it arose and why. Asking since then fulfils it.
#[derive(Clone)]
pub(super) struct Reopen(watch::Sender<Option<(Instant, ReopenCause)>>);

impl Reopen {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Wishes it.
    pub(super) fn wish(&self, now: Instant, cause: ReopenCause) {
        self.0.send_replace(Some((now, cause)));
    }

    /// The last wish, if everything was last asked for before it.
    pub(super) fn wished_since(&self, asked: Option<Instant>) -> Option<ReopenCause> {
        let (at, cause) = (*self.0.borrow())?;
        asked.is_none_or(|asked| asked < at).then_some(cause)
    }

    /// Notices later wishes.
    pub(super) fn watch(&self) -> watch::Receiver<Option<(Instant, ReopenCause)>> {
        self.0.subscribe()
    }
}
