#![doc = include_str!("../README.md")]

pub mod layout;

#[cfg(feature = "store")]
mod builder;
#[cfg(feature = "store")]
mod connect;
#[cfg(feature = "store")]
mod order;
#[cfg(feature = "store")]
mod read;
#[cfg(feature = "store")]
mod replace;
#[cfg(feature = "store")]
mod retry;
#[cfg(feature = "store")]
mod runner;
#[cfg(feature = "store")]
mod store;
#[cfg(feature = "store")]
mod table;
#[cfg(feature = "store")]
mod trouble;
#[cfg(feature = "store")]
mod write;

#[cfg(feature = "store")]
pub use builder::DynamoDbDataStoreBuilder;
