//! What is read of a table, and from where.

use std::sync::Arc;

use crate::model::{Kind, Stamp};

/// What was read, and the capacity units that it took.
#[derive(Debug)]
pub struct Read<T> {
    /// What was read.
    pub value: T,
    /// DynamoDB's read units.
    pub units: f64,
}

/// Which page of a partition is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageCursor {
    /// The partition's kind.
    pub kind: Kind,
    /// The last key of the page before; none for the first one.
    pub after: Option<Arc<str>>,
    /// Rows at most; none for as many as DynamoDB gives.
    pub rows: Option<u32>,
}

/// A page that was read, in the order of its keys.
#[derive(Clone, Debug, Default)]
pub struct PageRows {
    /// Keys and what their rows hold.
    pub rows: Vec<(Arc<str>, Stamp)>,
    /// The key to go on from, until there is none.
    pub last: Option<Arc<str>>,
}

/// The marker, and whose data this is where that was asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vouchers {
    /// Whether the marker is there.
    pub initialized: bool,
    /// LaunchDarkly's ID of the environment; none where it is not stored.
    pub environment_id: Option<Arc<str>>,
    /// Read units for the marker.
    pub marker_units: f64,
    /// Read units for the ID.
    pub identity_units: f64,
}
