//! The simulator, spoken to as its clients do: over sockets.
#![cfg(feature = "demo")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "simulator/asking.rs"]
mod asking;
#[path = "simulator/auto_configuration.rs"]
mod auto_configuration;
#[path = "simulator/file_data.rs"]
mod file_data;
#[path = "simulator/file_roster.rs"]
mod file_roster;
#[path = "simulator/launchdarkly.rs"]
mod launchdarkly;
#[path = "simulator/store.rs"]
mod store;
