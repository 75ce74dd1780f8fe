//! LaunchDarkly's own SDKs read, in daemon mode, tables that the relay wrote. Each is compared with itself in streaming mode
//! against the same simulated LaunchDarkly. See `tests/interop/README.md`.
#![cfg(feature = "interop")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests may"
)]

#[path = "interop/answers.rs"]
mod answers;
#[path = "interop/broken_writers.rs"]
mod broken_writers;
#[path = "interop/reader.rs"]
mod reader;
#[path = "interop/relay.rs"]
mod relay;
#[path = "interop/relayed.rs"]
mod relayed;
#[path = "interop/table.rs"]
mod table;
#[path = "interop/world.rs"]
mod world;
#[path = "interop/writer.rs"]
mod writer;
