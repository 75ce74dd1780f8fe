//! What metrics and logs call the work of the half that listens.

use crate::label::labels;

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

    /// What became of a wake.
    WakeResult = "result" {
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
