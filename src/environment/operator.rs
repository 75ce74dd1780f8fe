//! What an operator asks of an environment. It waits here until the half that writes takes it, however often it was asked.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::write::Writer;
use crate::model::ReopenCause;
use crate::plan::Plan;

/// What was asked and not yet taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    /// Everything is to be said and read again.
    sync: bool,
    /// So many removals may go.
    release: Option<usize>,
}

/// Removals that an operator confirmed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Confirmed {
    pub(super) removals: usize,
    /// Of this full set, by when it was asked for: of another one's he knows nothing.
    pub(super) set: Option<Instant>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Operator {
    asked: Mutex<Asked>,
    bell: Notify,
}

impl Operator {
    pub(super) fn sync(&self) {
        self.ask(|asked| asked.sync = true);
    }

    pub(super) fn release(&self, removals: usize) {
        self.ask(|asked| asked.release = Some(removals));
    }

    fn ask(&self, ask: impl FnOnce(&mut Asked)) {
        ask(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner));
        self.bell.notify_one();
    }

    fn take(&self) -> Asked {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Completes when something was asked since [`Operator::take`].
    pub(super) async fn asked(&self) {
        self.bell.notified().await;
    }
}

impl Writer<'_> {
    /// Takes what an operator asked for.
    pub(super) fn take_asked(&mut self, now: Instant) {
        let asked = self.environment.control.operator().take();
        if asked.sync {
            // The log has it already, with who wants it.
            debug!("an operator wants everything said and read again");
            self.verify_due = true;
            self.wish_reopening(now, ReopenCause::Operator);
        }
        if let Some(removals) = asked.release {
            // The brake judges a set when all of it is compared.
            let set = self
                .cell
                .look(|desired| desired.map(|desired| desired.asked));
            self.confirmed = Some(Confirmed { removals, set });
            self.everything = true;
            if self.refused.is_some() {
                self.used_confirmation(None);
            }
        }
    }

    /// The brake was judged with what the operator confirmed, or could not be: the confirmation is used up.
    pub(super) fn used_confirmation(&mut self, plan: Option<&Plan>) {
        let Some(confirmed) = self.confirmed.take() else {
            return;
        };
        let before = self.holds.braked();
        match plan.map_or(before, |plan| plan.held.braked()) {
            0 if before > 0 => info!(removals = before, "released, as an operator confirmed"),
            held => warn!(
                confirmed = confirmed.removals,
                removals = held,
                "nothing was released: what was confirmed is not what the brake holds now"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_asked_twice_is_taken_once_and_what_nobody_took_stays() {
        let operator = Operator::default();
        for _ in 0..100 {
            operator.sync();
        }
        operator.release(3);
        operator.release(4);
        operator.asked().await;
        let asked = Asked {
            sync: true,
            release: Some(4),
        };
        assert_eq!(operator.take(), asked);
        assert_eq!(operator.take(), Asked::default());
    }
}
