//! The values that labels can have: enums, so that no text of an error becomes a series.

use crate::model::Kind;
use crate::status::{HeldReason, SourcePhase, TablePhase};

/// The values of one label.
pub trait Label: Copy + PartialEq + 'static {
    /// The label's name.
    const NAME: &'static str;
    /// Every value, each once.
    const VALUES: &'static [Self];

    /// The value as text.
    fn text(self) -> &'static str;
}

macro_rules! labels {
    ($(
        $(#[$meta:meta])*
        $name:ident = $label:literal {
            $( $(#[$about:meta])* $value:ident = $text:literal, )+
        }
    )+) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $( $(#[$about])* $value, )+
        }

        impl $name {
            /// All, so that every series is there from the start.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// As a label.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)+
                }
            }
        }

        impl Label for $name {
            const NAME: &'static str = $label;
            const VALUES: &'static [Self] = Self::ALL;

            fn text(self) -> &'static str {
                self.label()
            }
        }
    )+ };
}

labels! {
    /// How a session ended.
    SessionEnd = "end" {
        /// LaunchDarkly closed it.
        Closed = "closed",
        /// It could not be made, or broke.
        Failed = "failed",
        /// LaunchDarkly refused the key, or knows no such stream.
        Refused = "refused",
        /// What came could not be read.
        Malformed = "malformed",
        /// Nothing came within the read timeout.
        Silent = "silent",
        /// We wanted everything said again.
        Reopened = "reopened",
        /// We were asked to stop.
        Stopped = "stopped",
    }

    /// What said that an item is different.
    Action = "action" {
        /// One item was announced.
        Put = "put",
        /// One deletion was announced.
        Delete = "delete",
        /// A full set.
        Full = "full",
    }

    /// Why something that LaunchDarkly said was left aside.
    Ignored = "reason" {
        /// It says what was said before.
        Same = "same",
        /// It is older than what was said, or other content under the same version.
        Older = "older",
        /// No such event is known.
        UnknownEvent = "unknown_event",
        /// It is neither flag nor segment.
        UnknownKind = "unknown_kind",
    }

    /// How a write ended.
    WriteOutcome = "outcome" {
        /// The table holds it.
        Applied = "applied",
        /// The row was not as we had read it.
        Superseded = "superseded",
        /// Throttled.
        Refused = "refused",
        /// It timed out, and may or may not be stored.
        Unknown = "unknown",
        /// DynamoDB will never take it.
        Invalid = "invalid",
        /// Any other failure.
        Failed = "failed",
    }

    /// What kind of failure DynamoDB answered with.
    ErrorClass = "class" {
        /// More than the table or the partition takes.
        Throttled = "throttled",
        /// No answer in time.
        Timeout = "timeout",
        /// It cannot be reached, or fails itself.
        Unavailable = "unavailable",
        /// A permission is missing, or the credentials are.
        AccessDenied = "access_denied",
        /// There is no such table.
        TableMissing = "table_missing",
        /// The table's keys are other ones.
        WrongSchema = "wrong_schema",
        /// The request is wrong.
        Invalid = "invalid",
        /// None of these.
        Other = "other",
    }

    /// Which of DynamoDB's units.
    Op = "op" {
        /// Read units.
        Read = "read",
        /// Write units.
        Write = "write",
    }

    /// What units were spent for.
    Purpose = "purpose" {
        /// Reading the table at the start of a term.
        FirstLook = "first_look",
        /// Reading it again.
        Verify = "verify",
        /// Looking at the marker, or writing it.
        Marker = "marker",
        /// Reading an item again after an outcome that left its row in doubt.
        Settle = "settle",
        /// Writing a difference.
        Change = "change",
        /// Remembering which environment of LaunchDarkly's is stored here.
        Identity = "identity",
    }

    /// How a row differs though nobody announced it.
    DriftType = "type" {
        /// It is gone.
        Missing = "missing",
        /// LaunchDarkly has no such item.
        Extra = "extra",
        /// At a lower version.
        Older = "older",
        /// At a higher version.
        Newer = "newer",
        /// At the same version, with other contents.
        Altered = "altered",
        /// The marker is gone.
        Marker = "marker",
    }

    /// Why everything was asked for again.
    ReopenCause = "cause" {
        /// To have a hold confirmed.
        Held = "held",
        /// What came was older than what was said.
        Older = "older",
        /// The stream hinted at news without saying them.
        Hint = "hint",
        /// A webhook announced what the stream has not delivered.
        Webhook = "webhook",
        /// An operator wanted it.
        Operator = "operator",
        /// The SDK key is another one.
        Key = "key",
    }

    /// From which instant propagation is counted.
    From = "from" {
        /// The event's last byte received.
        Received = "received",
        /// The date of the webhook that announced the change.
        WebhookDate = "webhook_date",
    }

    /// What became of a request to the webhook.
    WebhookResult = "result" {
        /// It woke an environment at least.
        Woken = "woken",
        /// Signed, but unreadable: it woke all.
        Unreadable = "unreadable",
        /// It is about an environment that is not here.
        Unmatched = "unmatched",
        /// It is about nothing that SDKs would see.
        Ignored = "ignored",
        /// It was here before.
        Duplicate = "duplicate",
        /// It is dated too long ago.
        Late = "late",
        /// Not signed, or not with the right secret.
        Unsigned = "unsigned",
        /// Signed, to an environment that does not exist.
        UnknownEnvironment = "unknown_environment",
        /// The body was too large.
        TooLarge = "too_large",
        /// The body did not come in time, or broke off.
        TooSlow = "too_slow",
        /// Too many large ones at once.
        Busy = "busy",
    }

    /// What became of a wake.
    Wake = "result" {
        /// The stream had delivered the change, or did within 5 s.
        OnTime = "on_time",
        /// The stream had not, and asking for everything brought a change.
        LateStream = "late_stream",
        /// Asking for everything brought no change.
        NoChange = "no_change",
        /// The SDK key was reset.
        KeyReset = "key_reset",
    }
}

macro_rules! label_of {
    ($($name:ident = $label:literal),+) => { $(
        impl Label for $name {
            const NAME: &'static str = $label;
            const VALUES: &'static [Self] = &Self::ALL;

            fn text(self) -> &'static str {
                self.label()
            }
        }
    )+ };
}

label_of!(
    Kind = "kind",
    HeldReason = "reason",
    SourcePhase = "phase",
    TablePhase = "phase"
);
