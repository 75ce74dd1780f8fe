//! Keeps LaunchDarkly's flags and segments in DynamoDB, as LaunchDarkly has them and as its SDKs read them.

pub mod config;
pub mod launchdarkly;
pub mod model;
pub mod plan;
#[cfg(feature = "demo")]
pub mod simulator;
pub mod status;
pub mod table;
