//! One place where a secret is kept: who wants what is there, and when it is read again.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::aws::Aws;
use super::error::SecretError;
use super::timetable::Timetable;
use super::{Giver, Kept, KeptReading, file};
use crate::config::secret_check::Check;
use crate::config::{Reference, Secret};

/// How often a file is looked at.
const FILE_EVERY: Duration = Duration::from_secs(2);
/// How often AWS is asked while all is well.
const AWS_EVERY: Duration = Duration::from_mins(5);

/// See the module. It is read once for all who want it.
pub(super) struct Place {
    pub(super) reference: Reference,
    wanted: Vec<(Check, Giver)>,
    recheck: Arc<Notify>,
    timetable: Timetable,
    /// Somebody wants it and has not had a reading.
    is_unknown: bool,
    /// The trouble that the log has.
    told: Option<String>,
}

impl Place {
    pub(super) fn new(reference: Reference) -> Self {
        let now = Instant::now();
        let timetable = match reference {
            Reference::File(_) => Timetable::new(FILE_EVERY, now + FILE_EVERY),
            Reference::Parameter(_) | Reference::SecretsManager { .. } => {
                Timetable::new(AWS_EVERY, now)
            }
        };
        Self {
            reference,
            wanted: Vec::new(),
            recheck: Arc::default(),
            timetable,
            is_unknown: false,
            told: None,
        }
    }

    /// For one more who wants what is there, if it passes.
    pub(super) fn keep(&mut self, secret: &Secret, check: Check) -> Kept {
        let value = secret.value.clone();
        self.is_unknown |= value.is_none();
        let reading = KeptReading {
            value,
            trouble: None,
        };
        let (giver, kept) = Kept::with(reading, Arc::clone(&self.recheck));
        self.wanted.push((check, giver));
        kept
    }

    /// Whether somebody waits for the first reading.
    pub(super) const fn is_unknown(&self) -> bool {
        self.is_unknown
    }

    /// Reads it again whenever that is due, until `stop`.
    pub(super) async fn run(mut self, aws: &Aws, stop: &CancellationToken) {
        let recheck = Arc::clone(&self.recheck);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = recheck.notified() => self.timetable.recheck(Instant::now()),
                () = sleep_until(self.timetable.due()) => tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = self.read(aws) => {}
                }
            }
        }
    }

    /// Reads it once.
    pub(super) async fn read(&mut self, aws: &Aws) {
        let read = match &self.reference {
            Reference::File(path) => file::read(path).await,
            Reference::Parameter(name) => aws.parameter(name).await,
            Reference::SecretsManager { id, member } => aws.secret(id, member.as_deref()).await,
        };
        self.take(read);
    }

    /// It was not read in time.
    pub(super) fn late(&mut self) {
        self.take(Err(SecretError::NoAnswer {
            service: "AWS",
            cause: "not in time".to_owned(),
        }));
    }

    fn take(&mut self, read: Result<String, SecretError>) {
        let read = read.and_then(|text| match text.trim() {
            "" => Err(SecretError::Empty),
            secret => Ok(SecretString::from(secret)),
        });
        self.is_unknown = false;
        let (mut trouble, mut replaced) = (None, false);
        for (check, giver) in &self.wanted {
            let usable = read.as_ref().map_err(|it| self.sentence(it));
            let usable = usable.and_then(|secret| match check(secret.expose_secret()) {
                Ok(()) => Ok(secret),
                Err(why) => Err(self.sentence(&SecretError::Unfit(why))),
            });
            match usable {
                Ok(secret) => replaced |= giver.give(secret.clone()),
                Err(sentence) => {
                    giver.fail(&sentence);
                    trouble = Some(sentence);
                }
            }
        }
        self.timetable
            .read(Instant::now(), trouble.is_some(), rand::random());
        self.tell(trouble, replaced);
    }

    /// Each trouble once, and its end.
    fn tell(&mut self, trouble: Option<String>, replaced: bool) {
        let reference = &self.reference;
        if replaced {
            info!(%reference, "a secret changed");
        }
        match &trouble {
            Some(detail) if self.told != trouble => {
                warn!(%reference, detail, "a secret cannot be used");
            }
            None if self.told.is_some() => info!(%reference, "a secret can be used again"),
            Some(_) | None => {}
        }
        self.told = trouble;
    }

    fn sentence(&self, trouble: &SecretError) -> String {
        format!("{} {trouble}", self.reference)
    }
}
