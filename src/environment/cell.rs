//! Where the two halves meet: what LaunchDarkly says, and what of it was touched since the writing half last looked.
//!
//! A storm merges here. The queue is one map, so it is bounded by the environment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::metrics::ReopenCause;
use crate::model::{Applied, DataSet, Desired, Item, ItemKey, Kind};

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

/// The cell. One for each term: at its start nothing has been said.
#[derive(Default)]
pub(super) struct Cell {
    said: Mutex<Said>,
    changed: Notify,
}

impl Cell {
    /// Everything was said, asked for at `asked`, of the environment that LaunchDarkly names so. How many items it says
    /// otherwise than before, in the order of [`Kind::ALL`].
    pub(super) fn full(
        &self,
        items: DataSet,
        asked: Instant,
        received: Instant,
        environment_id: Option<Arc<str>>,
    ) -> [usize; 2] {
        let mut said = self.lock();
        let desired = said.desired.take();
        let mut desired = desired.unwrap_or_else(|| Desired::new(DataSet::new(), asked));
        let changed = Kind::ALL.map(|kind| desired.differing(&items, kind));
        desired.replace(items, asked, received + GUARD_TIME);
        said.desired = Some(desired);
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
