//! What is measured, and what it must reach. The test of docs/performance.md reads this file too.

/// A figure: one row of the table.
#[derive(Debug, PartialEq)]
pub(crate) struct Figure {
    /// What is measured.
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    /// What the median must not exceed; none where it is only shown.
    pub(crate) at_most: Option<f64>,
}

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    /// How many times something else.
    Times,
    Milliseconds,
    Seconds,
    /// A million bytes.
    Megabytes,
    /// A number of things.
    Count,
}

impl Unit {
    /// A value as the table has it.
    pub(crate) fn write(self, value: f64) -> String {
        match self {
            Self::Times => format!("{value:.2}"),
            Self::Milliseconds if value.abs() < 10.0 => format!("{value:.2} ms"),
            Self::Milliseconds => format!("{value:.0} ms"),
            Self::Seconds => format!("{value:.1} s"),
            Self::Megabytes => format!("{value:.1} MB"),
            Self::Count => format!("{value:.0}"),
        }
    }
}

const fn figure(name: &'static str, unit: Unit, at_most: f64) -> Figure {
    let at_most = Some(at_most);
    Figure {
        name,
        unit,
        at_most,
    }
}

const fn shown(name: &'static str, unit: Unit) -> Figure {
    Figure {
        name,
        unit,
        at_most: None,
    }
}

pub(crate) const START: Figure = figure("start to first request", Unit::Milliseconds, 50.0);
pub(crate) const FIRST_SYNC_500: Figure =
    figure("first sync of 500 flags, in bare loops", Unit::Times, 1.2);
pub(crate) const FIRST_SYNC_5000: Figure =
    figure("first sync of 5,000 flags, in bare loops", Unit::Times, 1.2);
pub(crate) const BARE_LOOP_5000: Figure = shown("the bare loop for 5,000 flags", Unit::Seconds);
pub(crate) const READY_5000: Figure = shown(
    "first sync of 5,000 flags, from the start of the process",
    Unit::Seconds,
);
pub(crate) const PATCH_MEDIAN: Figure = figure(
    "a patch stored, after a bare PutItem, median",
    Unit::Milliseconds,
    0.3,
);
pub(crate) const PATCH_P99: Figure = figure(
    "a patch stored, after a bare PutItem, p99",
    Unit::Milliseconds,
    2.0,
);
pub(crate) const PATCH_VERIFIED: Figure = figure(
    "a patch stored while 5,000 rows are verified, p99, above one without",
    Unit::Milliseconds,
    2.0,
);
pub(crate) const BARE_PUT: Figure = shown("the bare PutItem, median", Unit::Milliseconds);
pub(crate) const STORM: Figure = shown(
    "1,000 patches at once, until the last is stored",
    Unit::Milliseconds,
);
pub(crate) const STORM_TRIPS: Figure = figure(
    "1,000 patches at once, round trips one after the other",
    Unit::Count,
    40.0,
);
pub(crate) const LIMITED: Figure = figure(
    "first write of 5,000 flags at 1,000 units a second, in units / 1,000",
    Unit::Times,
    1.15,
);
pub(crate) const LIMITED_REFUSED: Figure = figure(
    "requests refused in it",
    Unit::Count,
    40.0 + 0.035 * 5_500.0,
);
pub(crate) const MEMORY_500: Figure = figure(
    "resident memory, 500 flags, after their first sync",
    Unit::Megabytes,
    20.0,
);
pub(crate) const MEMORY_500_RESTARTED: Figure = figure(
    "resident memory, 500 flags, after a restart",
    Unit::Megabytes,
    20.0,
);
pub(crate) const MEMORY_5000: Figure = figure(
    "resident memory, 5,000 flags, after their first sync",
    Unit::Megabytes,
    45.0,
);
pub(crate) const MEMORY_5000_RESTARTED: Figure = figure(
    "resident memory, 5,000 flags, after a restart",
    Unit::Megabytes,
    45.0,
);
pub(crate) const PEAK_5000: Figure = shown(
    "resident memory, 5,000 flags, peak of a first sync",
    Unit::Megabytes,
);
pub(crate) const PEAK_5000_RESTARTED: Figure = shown(
    "resident memory, 5,000 flags, peak of a restart",
    Unit::Megabytes,
);
pub(crate) const IMAGE: Figure = figure("image, compressed", Unit::Megabytes, 10.0);

/// All of them, in the table's order.
pub(crate) const FIGURES: &[Figure] = &[
    START,
    FIRST_SYNC_500,
    FIRST_SYNC_5000,
    BARE_LOOP_5000,
    READY_5000,
    PATCH_MEDIAN,
    PATCH_P99,
    PATCH_VERIFIED,
    BARE_PUT,
    STORM,
    STORM_TRIPS,
    LIMITED,
    LIMITED_REFUSED,
    MEMORY_500,
    MEMORY_500_RESTARTED,
    MEMORY_5000,
    MEMORY_5000_RESTARTED,
    PEAK_5000,
    PEAK_5000_RESTARTED,
    IMAGE,
];
