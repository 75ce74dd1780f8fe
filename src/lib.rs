//! Keeps LaunchDarkly's flags and segments in DynamoDB, as LaunchDarkly has them and as its SDKs read them.

pub mod clock;
pub mod config;
pub mod environment;
pub mod launchdarkly;
pub mod metrics;
pub mod model;
pub mod plan;
#[cfg(feature = "demo")]
pub mod simulator;
pub mod status;
pub mod supervisor;
pub mod table;
