//! Where the two halves meet: what LaunchDarkly says, what of it was touched since a reader last looked, and the wish that
//! it be said again.
//!
//! A storm merges here. What is touched is one map for each reader, so it is bounded by the environment.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::listener::Context;
use crate::model::{
    Applied, Changed, DataSet, Desired, GUARD_TIME, Generation, Item, ItemKey, ReopenCause,
    Touched, TouchedFull,
};
use crate::writer::View;

#[derive(Default)]
struct CellState {
    desired: Option<Desired>,
    /// Whose LaunchDarkly said that the last full set is.
    environment_id: Option<Arc<str>>,
    /// When the last byte of the last full set came.
    received: Option<Instant>,
    generation: Generation,
    /// When it was last wished that everything be asked for again, and why. Asking since then fulfils it.
    wish: Option<(Instant, ReopenCause)>,
    /// What each reader has not taken yet, and its bell.
    readers: Vec<Option<(Touched, Arc<Notify>)>>,
}

impl CellState {
    fn wished_since(&self, asked: Instant) -> Option<ReopenCause> {
        let (at, cause) = self.wish?;
        (asked < at).then_some(cause)
    }

    /// Something else is said from now on.
    fn touch(&mut self, touch: impl Fn(&mut Touched)) -> Generation {
        self.generation = self.generation.next();
        for (touched, bell) in self.readers.iter_mut().flatten() {
            if touched.is_empty() {
                touched.since = self.generation;
            }
            touched.latest = self.generation;
            touch(touched);
            bell.notify_one();
        }
        self.generation
    }
}

/// The cell. One for each term: at its start nothing has been said. Cheap to clone.
#[derive(Clone, Default)]
pub struct Cell {
    state: Arc<Mutex<CellState>>,
    wished: Arc<Notify>,
}

impl Context for Cell {
    fn full(
        &self,
        items: DataSet,
        asked: Instant,
        received: Instant,
        environment_id: Option<Arc<str>>,
    ) -> Changed {
        let mut said = self.lock();
        let is_first = said.desired.is_none();
        let (counts, items) = match &mut said.desired {
            Some(desired) => {
                let differing: HashSet<_> = desired.differing(&items).cloned().collect();
                let counts = count(differing.iter());
                desired.replace(items, asked, received + GUARD_TIME);
                (counts, differing)
            }
            none => {
                let counts = count(items.keys());
                *none = Some(Desired::new(items, asked));
                (counts, HashSet::new())
            }
        };
        said.environment_id = environment_id;
        said.received = Some(received);
        let full = TouchedFull { received, is_first };
        let generation = said.touch(|touched| {
            let is_first = is_first || touched.full.is_some_and(|before| before.is_first);
            touched.full = Some(TouchedFull { is_first, ..full });
        });
        Changed {
            counts,
            items,
            generation,
        }
    }

    fn newer(&self, key: &ItemKey, item: Item, received: Instant) -> Option<(Applied, Generation)> {
        let mut said = self.lock();
        let applied = said.desired.as_mut()?.apply_newer(key.clone(), item);
        if applied == Applied::Yes {
            said.touch(|touched| {
                touched.items.insert(key.clone(), received);
            });
        }
        Some((applied, said.generation))
    }

    fn wish(&self, now: Instant, cause: ReopenCause) {
        let mut said = self.lock();
        // What was wished later is not fulfilled by what fulfils this.
        if said.wish.is_none_or(|(before, _)| before <= now) {
            said.wish = Some((now, cause));
        }
        drop(said);
        self.wished.notify_one();
    }

    fn wished_since(&self, asked: Instant) -> Option<ReopenCause> {
        self.lock().wished_since(asked)
    }
}

impl Cell {
    /// Completes when something was wished since this was last awaited.
    pub async fn wished(&self) {
        self.wished.notified().await;
    }

    /// Somebody who is told what is touched from now on, and at first of everything if it was said already.
    pub fn reader(&self) -> Reader {
        let mut said = self.lock();
        let bell = Arc::new(Notify::new());
        let mut touched = Touched::default();
        if let Some(received) = said.received {
            let is_first = true;
            touched.full = Some(TouchedFull { received, is_first });
            (touched.since, touched.latest) = (said.generation, said.generation);
            bell.notify_one();
        }
        said.readers.push(Some((touched, Arc::clone(&bell))));
        let index = said.readers.len() - 1;
        Reader {
            cell: self.clone(),
            index,
            bell,
        }
    }

    fn lock(&self) -> MutexGuard<'_, CellState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A target's view of the cell.
pub struct Reader {
    cell: Cell,
    index: usize,
    bell: Arc<Notify>,
}

impl Reader {
    /// What was touched since this was last asked; none where nothing was.
    pub fn take(&self) -> Option<Touched> {
        let mut said = self.cell.lock();
        let (touched, _) = said.readers.get_mut(self.index)?.as_mut()?;
        (!touched.is_empty()).then(|| std::mem::take(touched))
    }

    /// Completes when something was touched since [`Reader::take`].
    pub async fn changed(&self) {
        self.bell.notified().await;
    }

    /// Looks at what is said, and at whose it is: both at one time, so that nobody's data is taken for another's. `look`
    /// must be quick: the listening half waits.
    pub fn look<T>(&self, look: impl FnOnce(View<'_>) -> T) -> T {
        let said = self.cell.lock();
        let desired = said.desired.as_ref();
        let asking = desired.is_some_and(|it| said.wished_since(it.asked).is_some());
        look(View {
            desired,
            environment_id: said.environment_id.as_deref(),
            generation: said.generation,
            asking,
        })
    }

    /// Wishes that everything be asked for again.
    pub fn wish(&self, now: Instant, cause: ReopenCause) {
        self.cell.wish(now, cause);
    }
}

/// Nothing is kept for who has left.
impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(reader) = self.cell.lock().readers.get_mut(self.index) {
            *reader = None;
        }
    }
}

fn count<'a>(keys: impl Iterator<Item = &'a ItemKey>) -> [usize; 2] {
    let mut counts = [0; 2];
    for key in keys {
        counts[key.kind.index()] += 1;
    }
    counts
}
