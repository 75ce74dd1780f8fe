//! What LaunchDarkly's webhooks say: who signed them, what changed, and which environment of ours that is.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "webhook/addressees.rs"]
mod addressees;
#[path = "webhook/bodies.rs"]
mod bodies;
#[path = "webhook/candidates.rs"]
mod candidates;
#[path = "webhook/generated.rs"]
mod generated;
#[path = "webhook/many.rs"]
mod many;
#[path = "webhook/signature.rs"]
mod signature;
#[path = "webhook/words.rs"]
mod words;
