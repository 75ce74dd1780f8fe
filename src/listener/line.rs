//! Which connections there are.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::launchdarkly::Transport;

/// One connection to LaunchDarkly.
#[derive(Clone, Debug)]
pub struct Line {
    /// When it asked for everything.
    pub asked: Instant,
    /// Since when it has said everything; from then on its changes count.
    pub good_since: Option<Instant>,
    /// How often it was heard: for polls, the answers that were good, one after the other.
    pub answers: u32,
    /// It was healthy, which has been taken into account.
    pub is_healthy: bool,
    /// LaunchDarkly's ID of the environment, where its answer tells one.
    pub environment_id: Option<Arc<str>>,
    /// It has an SDK key that was replaced: another one takes over whatever this one says.
    pub is_superseded: bool,
}

impl Line {
    /// One that is being opened.
    pub const fn new(asked: Instant) -> Self {
        Self {
            asked,
            good_since: None,
            answers: 0,
            is_healthy: false,
            environment_id: None,
            is_superseded: false,
        }
    }
}

/// A stream that was good for so long since it said everything is healthy.
const HEALTHY_AFTER: Duration = Duration::from_mins(1);
/// So are so many polls one after the other.
const HEALTHY_POLLS: u32 = 2;

impl Line {
    /// Whether it has worked for long enough to tell that what failed before is over.
    pub fn was_healthy(&self, transport: Transport, now: Instant) -> bool {
        match transport {
            Transport::Stream => self
                .good_since
                .is_some_and(|since| since + HEALTHY_AFTER <= now),
            Transport::Poll(_) => self.answers >= HEALTHY_POLLS,
        }
    }
}

/// Which of two connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one whose changes count.
    Current,
    /// The one that has not said everything yet.
    New,
}

/// Where the half that listens is.
#[derive(Clone, Debug, Default)]
pub enum ConnectionState {
    /// There is no connection.
    #[default]
    Idle,
    /// The first one has not said everything yet.
    Opening(Line),
    /// There is one whose changes count.
    Listening(Line),
    /// It lives until a new one has said everything.
    HandingOver {
        /// The one whose changes count.
        current: Line,
        /// The one that takes over.
        new: Line,
    },
}

impl ConnectionState {
    /// The connection whose changes count.
    pub const fn current(&self) -> Option<&Line> {
        match self {
            Self::Listening(line) | Self::HandingOver { current: line, .. } => Some(line),
            Self::Idle | Self::Opening(_) => None,
        }
    }

    /// The connection that has not said everything yet.
    pub const fn new_line(&self) -> Option<&Line> {
        match self {
            Self::Opening(line) | Self::HandingOver { new: line, .. } => Some(line),
            Self::Idle | Self::Listening(_) => None,
        }
    }

    /// One of them.
    pub const fn line_mut(&mut self, which: Role) -> Option<&mut Line> {
        match (self, which) {
            (Self::Opening(line) | Self::HandingOver { new: line, .. }, Role::New)
            | (Self::Listening(line) | Self::HandingOver { current: line, .. }, Role::Current) => {
                Some(line)
            }
            _ => None,
        }
    }

    /// A connection is being opened.
    pub fn open(&mut self, line: Line) {
        *self = match std::mem::take(self) {
            Self::Idle | Self::Opening(_) => Self::Opening(line),
            Self::Listening(current) | Self::HandingOver { current, .. } => {
                Self::HandingOver { current, new: line }
            }
        };
    }

    /// The new one has said everything: the connection that it takes over from, if there is one.
    pub fn hand_over(&mut self, good_since: Instant) -> Option<Line> {
        let (old, mut new) = match std::mem::take(self) {
            Self::Opening(new) => (None, new),
            Self::HandingOver { current, mut new } => {
                // Polls follow each other, whichever session makes them.
                new.answers += current.answers;
                (Some(current), new)
            }
            other @ (Self::Idle | Self::Listening(_)) => {
                *self = other;
                return None;
            }
        };
        new.good_since = Some(good_since);
        *self = Self::Listening(new);
        old
    }

    /// One of them ended, or is closed.
    pub fn close(&mut self, which: Role) -> Option<Line> {
        let (closed, left) = match (std::mem::take(self), which) {
            (Self::Opening(line), Role::New) | (Self::Listening(line), Role::Current) => {
                (Some(line), Self::Idle)
            }
            (Self::HandingOver { current, new }, Role::New) => {
                (Some(new), Self::Listening(current))
            }
            (Self::HandingOver { current, new }, Role::Current) => {
                (Some(current), Self::Opening(new))
            }
            (other, _) => (None, other),
        };
        *self = left;
        closed
    }
}
