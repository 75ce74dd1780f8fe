//! What metrics call the work of the half that writes.

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
}
