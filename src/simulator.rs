//! LaunchDarkly as its clients see it, and an embedded DynamoDB: for `demo` and for every test from end to end.

mod bell;
pub mod file_data;
mod generate;
pub mod launchdarkly;
mod server;
pub mod store;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

pub use file_data::{FileData, Reload, Step, example};
pub use generate::{generate, huge, storm};
pub use launchdarkly::{Behaviour, Environment, Items, LaunchDarkly, LineEnd};
pub use store::{Store, StoreOptions};

/// A free port on loopback.
pub const ANY_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
