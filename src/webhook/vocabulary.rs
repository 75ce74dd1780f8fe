//! What metrics, logs and answers call what became of a request.

use crate::label::labels;

labels! {
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
}
