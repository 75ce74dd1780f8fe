//! Secrets that may change while we run: each in a cell, read again from where it is kept.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
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

    /// One that has not been read yet, and where it is given once it has.
    pub fn cell() -> (Giver, Self) {
        let (reading, recheck) = (watch::Sender::default(), Arc::<Notify>::default());
        let kept = Self {
            reading: reading.subscribe(),
            recheck: Arc::clone(&recheck),
        };
        (Giver { reading, recheck }, kept)
    }

    /// The secret, once it has been read.
    pub fn value(&self) -> Option<SecretString> {
        self.reading.borrow().value.clone()
    }

    /// Why it could not be read when that was last tried: a sentence for people. What was read before still counts.
    pub fn trouble(&self) -> Option<Arc<str>> {
        self.reading.borrow().trouble.clone()
    }

    /// Completes when the secret is another one than this. May be dropped and called again: no change is missed.
    pub async fn other_than(&self, than: Option<&SecretString>) {
        let than = than.map(ExposeSecret::expose_secret);
        let mut reading = self.reading.clone();
        let differs = |now: &Reading| now.value.as_ref().map(ExposeSecret::expose_secret) != than;
        if reading.wait_for(differs).await.is_err() {
            // Nobody reads it any more.
            std::future::pending::<()>().await;
        }
    }

    /// Has it read again soon: it was refused, or it is said to have changed.
    pub fn recheck(&self) {
        self.recheck.notify_one();
    }
}

/// Where a secret is given to those who keep it.
pub struct Giver {
    reading: watch::Sender<Reading>,
    recheck: Arc<Notify>,
}

impl Giver {
    /// It was read.
    pub fn give(&self, value: SecretString) {
        self.reading.send_replace(Reading {
            value: Some(value),
            trouble: None,
        });
    }

    /// It could not be read, for this reason: a sentence for people.
    pub fn fail(&self, trouble: &str) {
        self.reading
            .send_modify(|reading| reading.trouble = Some(trouble.into()));
    }

    /// Completes when it is to be read again.
    pub async fn rechecked(&self) {
        self.recheck.notified().await;
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
