//! What LaunchDarkly's stream says, from bytes to items.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "events/fdv1.rs"]
mod fdv1;
#[path = "events/sse.rs"]
mod sse;
#[path = "events/streams.rs"]
mod streams;
