//! The simulator, spoken to as its clients do: over sockets.
#![cfg(feature = "demo")]

#[path = "simulator/file_data.rs"]
mod file_data;
#[path = "simulator/launchdarkly.rs"]
mod launchdarkly;
#[path = "simulator/store.rs"]
mod store;
