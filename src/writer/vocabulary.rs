//! What metrics, logs and documents call the work of the half that writes.

use crate::label::labels;

labels! {
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

    /// From which instant propagation is counted.
    PropagationStart = "from" {
        /// The event's last byte received.
        Received = "received",
        /// The date of the webhook that announced the change.
        WebhookDate = "webhook_date",
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
