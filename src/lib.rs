//! Keeps LaunchDarkly's flags and segments in DynamoDB, as LaunchDarkly has them and as its SDKs read them.
//!
//! ```text
//!                 ┌──────────────────── environment ────────────────────┐
//! LaunchDarkly ───┼─► listen ──► [ desired ] ──► plan ──► write ──► table ──┼──► DynamoDB ──► SDKs
//!                 │     ▲                          ▲ │            │     │
//!                 │     └── reopen, to have it ────┼─┘            │     │
//!                 │         confirmed       [ observed ] ◄────────┘     │
//!                 └─────────────────────────────────────────────────────┘
//! ```
//!
//! Two maps and their difference: what LaunchDarkly says, what the table holds, and the writes that make them equal. The
//! modules in the order in which they are best read:

pub mod label;
pub mod model;
pub mod plan;

pub mod launchdarkly;
pub mod table;

pub mod archive;
pub mod environment;
pub mod listener;
pub mod registry;
pub mod roster;
pub mod secrets;
pub mod supervisor;
pub mod writer;

pub mod aws;
pub mod clock;
pub mod logging;
pub mod metrics;
pub mod status;

pub mod http;
pub mod webhook;

pub mod cli;
pub mod commands;
pub mod config;

#[cfg(feature = "demo")]
pub mod simulator;
