//! How auto-configuration is doing, in the words of the Relay Proxy's `/status`.

/// How auto-configuration is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoConfigStatus {
    /// The state.
    pub state: AutoConfigState,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// What last went wrong, also if it is over.
    pub last_error: Option<AutoConfigError>,
}

/// The state of the auto-configuration stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoConfigState {
    /// No event has come since the start.
    Initializing,
    /// The last thing that came was an event.
    Valid,
    /// The connection failed after that.
    Interrupted,
    /// Closing.
    Off,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoConfigError {
    /// What sort of thing.
    pub kind: AutoConfigErrorKind,
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
}

/// What sort of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoConfigErrorKind {
    /// No connection, or it ended.
    Network,
    /// An answer with this status that is no success.
    Response(u16),
    /// A malformed event or stream.
    InvalidData,
    /// Something else.
    Unknown,
}

impl AutoConfigState {
    /// As in `/status`.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Initializing => "INITIALIZING",
            Self::Valid => "VALID",
            Self::Interrupted => "INTERRUPTED",
            Self::Off => "OFF",
        }
    }
}

impl AutoConfigErrorKind {
    /// As in `/status`.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Network => "NETWORK_ERROR",
            Self::Response(_) => "ERROR_RESPONSE",
            Self::InvalidData => "INVALID_DATA",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl AutoConfigStatus {
    /// From this moment, in milliseconds since 1970.
    pub const fn new(now_ms: u64) -> Self {
        Self {
            state: AutoConfigState::Initializing,
            since_ms: now_ms,
            last_error: None,
        }
    }

    /// An event was delivered.
    pub(super) fn delivered(&mut self, now_ms: u64) {
        self.turn(AutoConfigState::Valid, now_ms);
    }

    /// The connection failed, or none came about.
    pub(super) fn failed(&mut self, kind: AutoConfigErrorKind, now_ms: u64) {
        self.last_error = Some(AutoConfigError {
            kind,
            time_ms: now_ms,
        });
        if self.state == AutoConfigState::Valid {
            self.turn(AutoConfigState::Interrupted, now_ms);
        }
    }

    /// We close.
    pub(super) fn close(&mut self, now_ms: u64) {
        self.turn(AutoConfigState::Off, now_ms);
    }

    fn turn(&mut self, state: AutoConfigState, now_ms: u64) {
        if self.state != state && self.state != AutoConfigState::Off {
            self.state = state;
            self.since_ms = now_ms;
        }
    }
}
