//! The DynamoDB table: what a row looks like, and how rows are read and written.

mod connection;
mod dynamodb;
mod identity;
mod layout;
mod probe;
mod reading;
mod roster_cache;
mod trouble;
mod vocabulary;

pub use connection::{Connection, Fixed, connect};
pub use dynamodb::{Outcome, Table};
pub use layout::{Layout, row_digest, stamp};
pub use reading::{PageCursor, PageRows, Read, Vouchers};
pub use roster_cache::CacheTable;
pub use trouble::Trouble;
pub use vocabulary::{ErrorClass, Op, WriteOutcome};
