//! What an operator asks of an environment. It waits here until the half that writes takes it, however often it was asked.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// What was asked and not yet taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Everything is to be said and read again.
    pub(super) sync: bool,
    /// So many removals may go.
    pub(super) release: Option<usize>,
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

    pub(super) fn take(&self) -> Asked {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Completes when something was asked since [`Operator::take`].
    pub(super) async fn asked(&self) {
        self.bell.notified().await;
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
