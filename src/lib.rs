//! Keeps LaunchDarkly's flags and segments in DynamoDB, as LaunchDarkly has them and as its SDKs read them.

pub mod cli;
pub mod commands;
pub mod config;
pub mod model;
pub mod status;
