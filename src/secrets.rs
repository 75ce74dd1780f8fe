//! Secrets that may change while we run: each in a cell, read again from where it is kept.
//!
//! `place` is one file, parameter or secret: who wants what is there, and the reading. `timetable` says when, `file` and
//! `aws` do it, `error` has the sentences for people. What is read goes into a cell only if it passes the check of
//! who wants it; what was read before stays otherwise.

mod aws;
mod error;
mod file;
mod place;
mod timetable;

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::Secret;
use crate::config::secret_check::Check;
use aws::Aws;
use place::Place;

/// How long the first reading may take: what is not there then comes later.
const FIRST_READING: Duration = Duration::from_secs(10);

/// A secret as it is now. Cheap to clone.
#[derive(Clone)]
pub struct Kept {
    reading: watch::Receiver<KeptReading>,
    recheck: Arc<Notify>,
}

#[derive(Clone, Default)]
struct KeptReading {
    value: Option<SecretString>,
    trouble: Option<Arc<str>>,
}

impl Kept {
    /// One that never changes.
    pub fn fixed(value: SecretString) -> Self {
        let (_, reading) = watch::channel(KeptReading {
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
        Self::with(KeptReading::default(), Arc::default())
    }

    /// The same, where this is rung when one of those who have it wants it read again.
    pub fn cell_ringing(bell: Arc<Notify>) -> (Giver, Self) {
        Self::with(KeptReading::default(), bell)
    }

    fn with(reading: KeptReading, recheck: Arc<Notify>) -> (Giver, Self) {
        let reading = watch::Sender::new(reading);
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
        let differs =
            |now: &KeptReading| now.value.as_ref().map(ExposeSecret::expose_secret) != than;
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
    reading: watch::Sender<KeptReading>,
    recheck: Arc<Notify>,
}

impl Giver {
    /// It was read. True if another one was there before.
    pub fn give(&self, value: SecretString) -> bool {
        let replaced = {
            let before = self.reading.borrow();
            let is_other = |it: &SecretString| it.expose_secret() != value.expose_secret();
            before.value.as_ref().is_some_and(is_other)
        };
        self.reading.send_replace(KeptReading {
            value: Some(value),
            trouble: None,
        });
        replaced
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
pub struct Keeper {
    places: Vec<Place>,
    aws: Aws,
}

impl Default for Keeper {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Keeper {
    /// Asks AWS with these settings instead of those of the AWS chain.
    pub fn new(aws: Option<SdkConfig>) -> Self {
        Self {
            places: Vec::new(),
            aws: Aws::new(aws),
        }
    }

    /// Keeps a secret from now on. What is kept in one place is read once, for however many.
    pub fn keep(&mut self, secret: &Secret, check: Check) -> Kept {
        let Some(reference) = &secret.reference else {
            return Kept::fixed(secret.value.clone().unwrap_or_default());
        };
        let known = self.places.iter().position(|it| it.reference == *reference);
        let index = known.unwrap_or_else(|| {
            self.places.push(Place::new(reference.clone()));
            self.places.len() - 1
        });
        self.places[index].keep(secret, check)
    }

    /// Reads what is not known yet, all at once; what cannot be read says so itself.
    pub async fn read(&mut self) {
        let aws = &self.aws;
        let unknown = self.places.iter_mut().filter(|it| it.is_unknown());
        let reading = join_all(unknown.map(|it| it.read(aws)));
        if timeout(FIRST_READING, reading).await.is_err() {
            let unread = self.places.iter_mut().filter(|it| it.is_unknown());
            unread.for_each(Place::late);
        }
    }

    /// Reads again what may have changed, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let Self { places, aws } = self;
        join_all(places.into_iter().map(|it| it.run(&aws, &stop))).await;
    }
}
