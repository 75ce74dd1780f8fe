//! What the writing half asks of the table, and what it hears of it. Values: who carries them out is elsewhere.

use std::sync::Arc;

use tokio::time::Instant;

use crate::model::{ItemKey, Kind, Stamp};
use crate::plan::Write;
use crate::table::{Outcome, PageCursor, PageRows, Read, Trouble, Vouchers};

/// One request to the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableRequest {
    /// A step of a plan, on its condition.
    Write(Write),
    /// What one row holds.
    Row(ItemKey),
    /// Whether the marker is there and, where `identity` is set, whose data this is.
    Vouchers {
        /// Both, or the marker alone.
        identity: bool,
    },
    /// A page of a partition.
    Page(PageCursor),
    /// Store whose data this is, where it is still what was seen.
    Remember {
        /// LaunchDarkly's ID of the environment.
        id: Arc<str>,
        /// What was seen.
        before: Option<Arc<str>>,
    },
}

impl TableRequest {
    /// Whether it changes the table: such a request is awaited even when we are asked to stop.
    pub const fn writes(&self) -> bool {
        matches!(self, Self::Write(_) | Self::Remember { .. })
    }
}

/// A page with where it begins: it speaks for every key from there to its end.
#[derive(Clone, Debug)]
pub struct Page {
    /// The partition's kind.
    pub kind: Kind,
    /// The page holds what comes after this key.
    pub after: Option<Arc<str>>,
    /// Keys and what their rows hold.
    pub rows: Vec<(Arc<str>, Stamp)>,
    /// The last key that it speaks for; none where it goes to the end of the partition.
    pub last: Option<Arc<str>>,
}

/// What became of a request.
#[derive(Debug)]
pub enum TableAnswer {
    /// Of a write; also DynamoDB's write units, or what it bills for a condition that failed.
    Written(Write, Outcome, f64),
    /// Of a row.
    Row(ItemKey, Result<Read<Option<Stamp>>, Trouble>),
    /// Of the vouchers.
    Vouchers(Result<Vouchers, Trouble>),
    /// Of a page.
    Page(Result<Read<PageRows>, Trouble>),
    /// Of remembering this ID; also the write units.
    Remembered(Arc<str>, Outcome, f64),
}

/// An answer and when.
#[derive(Debug)]
pub struct Answered {
    /// What became of it.
    pub answer: TableAnswer,
    /// When the request was sent.
    pub sent: Instant,
    /// When the answer came.
    pub at: Instant,
}

impl Answered {
    /// Whether it answers a request that changes the table.
    pub const fn is_of_a_write(&self) -> bool {
        matches!(
            self.answer,
            TableAnswer::Written(..) | TableAnswer::Remembered(..)
        )
    }
}
