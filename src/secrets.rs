//! Secrets that may change while we run: each in a cell, read again from where it is kept.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::config::Secret;

/// Judges a secret that was read; an error completes the sentence "the value ...".
pub type Check = fn(&str) -> Result<(), String>;

/// A secret as it is now. Cheap to clone; each clone notices changes for itself.
#[derive(Clone)]
pub struct Kept {
    reading: watch::Receiver<Reading>,
    recheck: Arc<Notify>,
}

#[derive(Clone, Default)]
struct Reading {
    value: Option<SecretString>,
    trouble: Option<Arc<str>>,
}

impl Kept {
    /// One that never changes.
    pub fn fixed(value: SecretString) -> Self {
        let (_, reading) = watch::channel(Reading {
            value: Some(value),
            trouble: None,
        });
        Self {
            reading,
            recheck: Arc::default(),
        }
    }

    /// The secret, once it has been read.
    pub fn value(&self) -> Option<SecretString> {
        self.reading.borrow().value.clone()
    }

    /// Why it could not be read when that was last tried: a sentence for people. What was read before still counts.
    pub fn trouble(&self) -> Option<Arc<str>> {
        self.reading.borrow().trouble.clone()
    }

    /// Completes when there is another secret than when this was last called, or than at the start.
    pub async fn changed(&mut self) {
        let seen = self.reading.borrow_and_update().value.clone();
        let differs = |now: &Reading| match (&seen, &now.value) {
            (Some(seen), Some(now)) => seen.expose_secret() != now.expose_secret(),
            (seen, now) => seen.is_some() != now.is_some(),
        };
        if self.reading.wait_for(differs).await.is_err() {
            // Nobody reads it any more.
            std::future::pending::<()>().await;
        }
    }

    /// Has it read again soon: it was refused, or it is said to have changed.
    pub fn recheck(&self) {
        self.recheck.notify_one();
    }
}

/// Reads secrets, and reads them again.
#[derive(Default)]
pub struct Keeper {
    _recheck: Arc<Notify>,
}

impl Keeper {
    /// Keeps a secret from now on.
    pub fn keep(&mut self, secret: &Secret, _check: Check) -> Kept {
        Kept::fixed(secret.value.clone().unwrap_or_default())
    }

    /// Reads what is not known yet, all at once; what cannot be read says so itself.
    pub async fn read(&mut self) {}

    /// Reads again what may have changed, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        stop.cancelled().await;
    }
}
