//! The words everything else is written in: items, their keys, what is said and what is stored.
//!
//! Nothing here reads a clock, a socket, a file or the environment.

mod at;
mod change;
mod item;
mod object;
mod stamp;
mod vocabulary;

pub use at::{At, doubled, shortened};
pub use change::{
    Applied, Changed, DataSet, Desired, GUARD_TIME, Generation, Touched, TouchedFull,
};
pub use item::{Content, Item, ItemFault, ItemKey, Kind, MAX_KEY_BYTES, MAX_ROW_BYTES};
pub use object::Object;
pub use stamp::{Digest, Observed, Stamp, StoredVersion, is_as_said};
pub use vocabulary::{DriftType, ReopenCause};
