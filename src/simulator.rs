//! LaunchDarkly as its clients see it, and an embedded DynamoDB: for `demo` and for every test from end to end.

mod bell;
mod server;
pub mod store;

pub use store::{Store, StoreOptions};
