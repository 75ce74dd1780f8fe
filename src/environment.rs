//! One environment: a half that listens to LaunchDarkly, a half that writes to the table, and the cell between them.
//!
//! The half that listens never sees the table; the half that writes never sees the source.

mod announced;
mod backoff;
mod cell;
mod contested;
mod control;
mod drift;
mod hints;
mod identity;
mod inspect;
mod line;
mod listen;
mod operator;
mod pace;
mod pass;
mod recent;
mod report;
mod settle;
mod tally;
mod told;
mod write;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::launchdarkly::Client;
use crate::metrics::EnvironmentMetrics;
use crate::secrets::Kept;
use crate::status::EnvironmentStatus;
use crate::table::Table;

use cell::{Cell, Reopen};
use listen::Listener;
use write::Writer;

pub use control::{Control, Hint};
pub use drift::look_at as look;
pub use inspect::{Comparison, Difference, Failure};

/// How the writing half goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Writes in flight at most.
    pub concurrency: usize,
    /// How often the whole prefix is read and compared.
    pub verify_interval: Duration,
    /// How often the marker is looked at.
    pub marker_check_interval: Duration,
    /// Whether drift is repaired, or only reported.
    pub repair: bool,
    /// The removals that an operator confirmed in advance.
    pub confirmed_removals: Option<usize>,
}

/// An environment that can be run. Cheap to clone: it is made anew after a panic.
#[derive(Clone)]
pub struct Environment {
    /// Its name.
    pub name: Arc<str>,
    /// The SDK key.
    pub key: Kept,
    /// Opens streams.
    pub client: Client,
    /// Where it goes.
    pub table: Table,
    /// How it is written.
    pub habits: Habits,
    /// LaunchDarkly's ID of the environment, where the settings name it.
    pub environment_id: Option<Arc<str>>,
    /// What others ask of it.
    pub control: Control,
    /// What is known of it.
    pub status: EnvironmentStatus,
    /// What it counts.
    pub metrics: EnvironmentMetrics,
    /// How long the first connection waits, so that many environments do not come at once.
    pub first_delay: Duration,
}

impl Environment {
    /// Runs one term, until `stop`: then it begins no more writes and finishes those that it began.
    pub async fn run(self, stop: CancellationToken) {
        let cell = Cell::default();
        let reopen = Reopen::new();
        let listener = Listener::new(&self, &cell, &reopen);
        let writer = Writer::new(&self, &cell, &reopen);
        tokio::join!(listener.run(&stop), writer.run(&stop));
    }
}
