//! Where the two halves are, and why a difference is left: what metrics, logs and documents call it.

use crate::label::labels;

labels! {
    /// Where the listening half is.
    SourcePhase = "phase" {
        /// Has not heard everything yet.
        Connecting = "connecting",
        /// Connected, and everything was said once.
        Connected = "connected",
        /// Was connected, and is waiting to connect again.
        Interrupted = "interrupted",
        /// LaunchDarkly refuses the key (401, 403) or knows no such stream (another 4xx).
        Refused = "refused",
    }

    /// Where the writing half is.
    TablePhase = "phase" {
        /// The table has not been read yet.
        Reading = "reading",
        /// Everything said is stored or held by name.
        Settled = "settled",
        /// There is something left to write.
        Writing = "writing",
        /// DynamoDB throttles reads, or the writes that are not paced: it goes on slowly.
        Throttled = "throttled",
        /// DynamoDB cannot be reached or does not answer in time.
        Unreachable = "unreachable",
        /// The table is missing, its keys are wrong or a permission is missing: an operator must act.
        Misconfigured = "misconfigured",
    }

    /// Why a difference is left.
    #[derive(PartialOrd, Ord)]
    HeldReason = "reason" {
        /// It would go backward and was said only once.
        Unconfirmed = "unconfirmed",
        /// It is one of too many removals.
        Brake = "brake",
        /// Larger than a row may be.
        TooLarge = "too_large",
        /// Cannot be stored as it is.
        Malformed = "malformed",
        /// Its writes fail while others succeed.
        Failing = "failing",
    }
}
