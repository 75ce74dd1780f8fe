//! Keeps LaunchDarkly's flags and segments in DynamoDB, as LaunchDarkly has them and as its SDKs read them.

pub mod config;
pub mod logging;
pub mod metrics;
pub mod model;
pub mod status;
