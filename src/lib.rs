//! Keeps LaunchDarkly's flags and segments in DynamoDB, as LaunchDarkly has them and as its SDKs read them.

pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod environment;
pub mod http;
pub mod launchdarkly;
pub mod logging;
pub mod metrics;
pub mod model;
pub mod plan;
#[cfg(feature = "demo")]
pub mod simulator;
pub mod status;
pub mod supervisor;
pub mod table;
