//! What metrics and logs call a difference that was found, and a request for everything.

use crate::label::labels;

labels! {
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
}
