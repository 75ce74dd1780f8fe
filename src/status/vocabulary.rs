//! Where the listening half is: what metrics, logs and documents call it.

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
}
