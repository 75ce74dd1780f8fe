//! What the half that listens tells: one reporter makes status, metrics and log of it. Never an item's contents.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::hints::{Hint, HintOutcomes};
use super::vocabulary::{Action, Ignored, SessionEnd};
use crate::model::{Generation, ItemKey, Kind, ReopenCause};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum ListenFact {
    /// LaunchDarkly answers, and says that it is this environment of its.
    Connected(Option<String>),
    /// Bytes came, and up to this generation everything in them was taken.
    Heard(Generation),
    /// Whether LaunchDarkly is known to have what it has not said: it, or a webhook, told so.
    Owed(bool),
    /// Everything was said.
    SaidEverything {
        /// How many items.
        items: usize,
        /// How long it took since it was asked for; none where it was said again unasked.
        took: Option<Duration>,
        /// How many differ from what was said before, in the order of [`Kind::ALL`].
        changed: [usize; 2],
        /// The number of this change.
        generation: Generation,
    },
    /// One item was said, and is newer. The number of this change is told with it, and not only by the [`Self::Heard`] that
    /// follows: [`Self::Owed`] may come in between, and the status would be up to date before the change is stored.
    Changed(Kind, Action, Generation),
    /// What was said is left aside.
    Ignored(Ignored),
    /// A change is not newer than what was said before, and everything is asked for again.
    Older {
        /// The item.
        key: ItemKey,
        /// Its version.
        version: Option<u64>,
    },
    /// A connection ended or was closed.
    Ended(SessionEnd),
    /// It ended by itself.
    Failed(SessionFailure),
    /// Everything is asked for again.
    Reopening(ReopenCause),
    /// There is no SDK key, for this reason where one is known.
    Keyless(Option<Arc<str>>),
    /// The SDK key is another one.
    Rekeyed,
    /// The SDK key was said to be reset, so many times.
    KeyReset(u64),
    /// A webhook that came then announced this.
    Announced(Hint, Instant),
    /// What became of hints.
    Hints(HintOutcomes),
}

/// Why a connection ended, and when another one is tried.
#[derive(Clone, Debug)]
pub struct SessionFailure {
    /// The cause, for people.
    pub detail: String,
    /// What kind of error it is.
    pub kind: ErrorKind,
    /// The HTTP status, where there is one.
    pub status_code: Option<u16>,
    /// The wait before the next attempt.
    pub wait: Duration,
    /// Another connection goes on.
    pub still_connected: bool,
    /// LaunchDarkly refuses the key, or knows no such stream.
    pub refused: bool,
}

/// What went wrong last with LaunchDarkly, in the Relay Proxy's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// `NETWORK_ERROR`
    Network,
    /// `ERROR_RESPONSE`
    Response,
    /// `INVALID_DATA`
    InvalidData,
}

impl ErrorKind {
    /// The Relay Proxy's word.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Network => "NETWORK_ERROR",
            Self::Response => "ERROR_RESPONSE",
            Self::InvalidData => "INVALID_DATA",
        }
    }
}
