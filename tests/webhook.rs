//! What LaunchDarkly's webhooks say: who signed them, what changed, and which environment of ours that is.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "webhook/signature.rs"]
mod signature;
