//! LaunchDarkly as its clients see it, and an embedded DynamoDB: for `demo` and for every test from end to end.
//!
//! Both listen on real sockets, stop when they are dropped, and can be told what to get wrong.
//!
//! - [`LaunchDarkly`] has a [`SimulatedEnvironment`] for each SDK key. What an environment says is changed with
//!   [`put_flag`](SimulatedEnvironment::put_flag), [`delete_flag`](SimulatedEnvironment::delete_flag) or
//!   [`replace`](SimulatedEnvironment::replace); a [`Behaviour`] says how the [next](SimulatedStream::next) attempt to
//!   open a stream, or [every](SimulatedStream::always) attempt, is answered; [`stop`](LaunchDarkly::stop) and
//!   [`restart`](LaunchDarkly::restart) are an outage.
//! - [`LaunchDarkly::auto_configuration`] lists environments that come, change and go while somebody listens.
//! - [`Store`] [counts](Store::counts) what clients did, [limits](Store::limit) partitions as AWS does, and lets a
//!   [`Fault`](store::Fault) strike the requests that it is meant for. Its [rows](Store::rows) can be seen and altered
//!   behind everybody's back.
//! - [`generate()`] and [`storm`] make flags and changes of realistic sizes from a seed; [`FileData`] serves a file,
//!   [`FileRoster`] the environments that it lists; [`archive()`] makes an offline archive.
//!
//! What is waited for is awaited, never slept for: `wait_for_connections`, `wait_for_requests`, `wait_until`.
//!
//! ```
//! use ld_dynamodb_relay::simulator::store::{Fault, Operation, Row};
//! use ld_dynamodb_relay::simulator::{ANY_PORT, Behaviour, LaunchDarkly, Store, StoreOptions, generate};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> anyhow::Result<()> {
//! let launchdarkly = LaunchDarkly::start(ANY_PORT).await?;
//! let environment = launchdarkly.environment("sdk-1234");
//! environment.replace(generate(500, 1));
//! environment.next(Behaviour::status(503).header("Retry-After", "2"));
//! environment.next(Behaviour::normal().cut_after(1_000));
//!
//! let store = Store::start(StoreOptions::default()).await?;
//! store.create_table("flags")?;
//! store.limit(Some(1_000.0));
//! let lost = store.inject(Fault::lose_the_answer().on(Operation::PutItem).times(3));
//!
//! // Here a relay runs from `launchdarkly.uri()` to `store.endpoint()`.
//!
//! store.put_row("flags", Row::new("features", "a").at_version(1).holding(r#"{"key":"a","version":1}"#))?;
//! assert_eq!(store.rows("flags", "features")?.len(), 1);
//! assert_eq!((store.counts().writes(), lost.hits()), (0, 0));
//! # Ok(())
//! # }
//! ```

mod archive;
mod bell;
pub mod file_data;
mod generate;
pub mod launchdarkly;
mod server;
pub mod store;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

pub use archive::{OfflineEnvironment, archive};
pub use file_data::{FileData, FileRoster, Reload, RosterEdit, Step, example};
pub use generate::{generate, huge, storm};
pub use launchdarkly::{
    AutoConfiguration, Behaviour, Items, LaunchDarkly, LineEnd, SimulatedEnvironment,
    SimulatedStream,
};
pub use store::{Store, StoreOptions};

/// A free port on loopback.
pub const ANY_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
