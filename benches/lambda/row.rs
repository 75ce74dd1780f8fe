//! What is measured of each language. The test of docs/performance.md reads this file too.

/// A row of the table.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    /// What is measured.
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
}

const fn row(name: &'static str, unit: &'static str) -> Row {
    Row { name, unit }
}

pub(crate) const COLD: Row = row("cold start to the first flag", " ms");
pub(crate) const ONE: Row = row("one flag, answers a second", "");
pub(crate) const ONE_UNCACHED: Row = row("one flag without cache, answers a second", "");
pub(crate) const ALL: Row = row("all 500 flags, flags a second", "");
pub(crate) const ALL_UNCACHED: Row = row("all 500 flags without cache, flags a second", "");
pub(crate) const REQUESTS: Row = row("1,000 answers of one flag, requests to the table", "");
pub(crate) const REQUESTS_UNCACHED: Row = row("the same without cache", "");
pub(crate) const REQUESTS_ALL: Row = row("all 500 flags once, requests to the table", "");

/// All of them, in the table's order.
pub(crate) const ROWS: &[Row] = &[
    COLD,
    ONE,
    ONE_UNCACHED,
    ALL,
    ALL_UNCACHED,
    REQUESTS,
    REQUESTS_UNCACHED,
    REQUESTS_ALL,
];
