//! One environment: a half that listens to LaunchDarkly, a half that writes to the table, and the cell between them.
//!
//! The half that listens never sees the table; the half that writes never sees the source.

mod cell;
mod control;
mod inspect;
mod listen;
mod operator;
mod report;
mod source;
mod store;
mod time;
mod write;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::listener::Listener;
use crate::metrics::EnvironmentMetrics;
use crate::secrets::Kept;
use crate::status::EnvironmentStatus;
use crate::table::Table;
use crate::writer::Writer;

use listen::ListenLoop;
use report::{ListenReporter, WriteReporter};
use write::WriteLoop;

pub use crate::listener::Hint;
pub use crate::writer::Manner;
pub use cell::{Cell, Reader};
pub use control::Control;
pub use inspect::{Comparison, Difference, Failure, read_all};
pub use report::Told;
pub use source::{EnvironmentSession, EnvironmentSource, Source, Speaks};
pub use store::RowStore;

/// An environment that can be run. Cheap to clone: it is made anew after a panic.
#[derive(Clone)]
pub struct Environment {
    /// Its name.
    pub name: Arc<str>,
    /// LaunchDarkly's ID of it, where it is known without asking: an answer that names no other is of this one.
    pub launchdarkly_id: Option<Arc<str>>,
    /// The SDK key.
    pub key: Kept,
    /// Where its data comes from.
    pub source: EnvironmentSource,
    /// Where it goes.
    pub table: Table,
    /// How it is written.
    pub manner: Manner,
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
        self.run_between(&self.source, &self.table, &stop).await;
    }

    /// The same with another source and another store in the place of LaunchDarkly and of DynamoDB.
    pub async fn run_between(
        &self,
        source: &impl Source,
        store: &impl RowStore,
        stop: &CancellationToken,
    ) {
        let (cell, now) = (Cell::default(), Instant::now());
        let writing = WriteLoop {
            store,
            reader: cell.reader(),
            operator: self.control.operator(),
            reporter: WriteReporter::new(self),
        };
        let listening = ListenLoop {
            source,
            cell: &cell,
            launchdarkly_id: self.launchdarkly_id.as_deref(),
            key: &self.key,
            control: &self.control,
            reporter: ListenReporter::new(&self.status, &self.metrics, &self.control),
        };
        tokio::join!(
            listening.run(
                Listener::new(self.source.transport(), self.first_delay, now),
                stop
            ),
            writing.run(Writer::new(self.manner.clone(), now), stop),
        );
    }
}
