//! What others may ask of an environment that runs: webhooks, operators. Nothing that they say is written: they only make
//! it look. It outlives a term, so nothing is lost when an environment is made anew.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::operator::Operator;
use crate::listener::{Announced, Hint, Wakes};
use crate::model::ItemKey;

/// Hints that wait to be looked at; more become one hint that anything may have changed. They are looked at at once, but
/// for the time in which an environment is made anew.
const MOST_HINTS: usize = 1_000;

/// The handle. Cheap to clone.
#[derive(Clone, Default)]
pub struct Control(Arc<Shared>);

#[derive(Default)]
struct Shared {
    wakes: Mutex<Wakes>,
    /// Somebody left something in `wakes`.
    woken: Notify,
    announced: Mutex<Announced>,
    operator: Operator,
}

impl Control {
    /// A webhook says that something changed: unless the stream delivers it, everything is asked for again.
    pub fn hint(&self, hint: Hint) {
        let now = Instant::now();
        let mut wakes = lock(&self.0.wakes);
        let many = wakes.hints.len() >= MOST_HINTS;
        match wakes.hints.last_mut() {
            Some((last, came)) if many && last.item.is_none() => *came = now,
            _ => {
                let item = hint.item.filter(|_| !many);
                wakes.hints.push((Hint { item, ..hint }, now));
            }
        }
        drop(wakes);
        self.0.woken.notify_one();
    }

    /// A webhook says that the SDK key was reset: it is read again, and a wait for LaunchDarkly ends.
    pub fn key_reset(&self) {
        lock(&self.0.wakes).key_resets += 1;
        self.0.woken.notify_one();
    }

    /// An operator wants everything said again and the table read again.
    pub fn sync(&self) {
        lock(&self.0.wakes).ordered = true;
        self.0.woken.notify_one();
        self.0.operator.sync();
    }

    /// An operator confirms the removals that the brake holds, if it holds so many.
    pub fn release(&self, removals: usize) {
        self.0.operator.release(removals);
    }

    pub(super) fn operator(&self) -> &Operator {
        &self.0.operator
    }

    /// Completes when there is something for the listening half.
    pub(super) async fn woken(&self) {
        self.0.woken.notified().await;
    }

    /// What there is for the listening half.
    pub(super) fn take(&self) -> Wakes {
        std::mem::take(&mut lock(&self.0.wakes))
    }

    /// A webhook announced a change of this item. How long it took since then, if it is stored already.
    pub(super) fn announced(
        &self,
        key: &ItemKey,
        happened: Instant,
        now: Instant,
    ) -> Option<Duration> {
        lock(&self.0.announced).announce(key, happened, now)
    }

    /// The write of this item was acknowledged. How long it took since the date of each webhook that announced it.
    pub(super) fn stored(&self, key: &ItemKey, answered: Instant) -> Vec<Duration> {
        lock(&self.0.announced).stored(key, answered)
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
