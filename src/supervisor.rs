//! Puts environments together and keeps each of them running, whatever happens to the others.

mod archived;
mod assembler;
mod enlisted;
mod follow;
mod roster;
mod roster_cache;
mod summary;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, interval, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info_span, warn};

use crate::clock;
use crate::environment::Environment;
use crate::metrics::Metrics;

pub use archived::ArchiveRunner;
pub use assembler::{Assembler, assemble, delays};
pub use follow::Follower;
pub use roster::{RosterEnd, RosterRunner, RosterUse};
pub use roster_cache::RosterCache;
pub use summary::{SUMMARY_INTERVAL, summarize};

/// An environment that panicked is made anew after this time, doubling up to [`RESTART_MAX`].
const RESTART: Duration = Duration::from_secs(1);
const RESTART_MAX: Duration = Duration::from_mins(1);
/// Histograms pile samples up until they are sorted.
const UPKEEP: Duration = Duration::from_secs(5);

/// What becomes of an environment while the process runs.
pub enum Change {
    /// It is run from now on. One of its name is ended before, and waited for.
    Run(Box<Environment>),
    /// It ends: begins no more writes and finishes those that it began. Its rows stay.
    End(Arc<str>),
}

/// For environments that neither come nor go.
pub fn no_changes() -> mpsc::Receiver<Change> {
    mpsc::channel(1).1
}

/// Runs them, and those that come, until `stop`, and then waits until each has finished the writes that it began, for
/// `grace` at most.
pub async fn supervise(
    environments: Vec<Environment>,
    mut changes: mpsc::Receiver<Change>,
    metrics: Metrics,
    stop: CancellationToken,
    grace: Duration,
) {
    let mut crew = Crew {
        tasks: JoinSet::new(),
        running: HashMap::new(),
        waiting: HashMap::new(),
        stop: stop.clone(),
    };
    for environment in environments {
        crew.run(environment);
    }
    let mut upkeep = interval(UPKEEP);
    let mut may_change = true;
    while !stop.is_cancelled() {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = crew.tasks.join_next_with_id() => {
                let (id, panicked) = match ended {
                    Ok((id, ())) => (id, false),
                    Err(error) => (error.id(), true),
                };
                if panicked {
                    metrics.panicked();
                }
                crew.ended(id);
            }
            change = changes.recv(), if may_change => match change {
                Some(Change::Run(environment)) => crew.run(*environment),
                Some(Change::End(name)) => {
                    crew.end(&name);
                }
                None => may_change = false,
            },
            _ = upkeep.tick() => metrics.upkeep(),
        }
    }
    let deadline = Instant::now() + grace;
    let tasks = &mut crew.tasks;
    while let Ok(Some(_)) = timeout_at(deadline, tasks.join_next()).await {}
    if !tasks.is_empty() {
        warn!(
            environments = tasks.len(),
            "not every write was finished in time; the next start completes them"
        );
    }
}

/// One task for each environment, and a token that ends it alone.
struct Crew {
    tasks: JoinSet<()>,
    running: HashMap<Id, Running>,
    /// Those of a name whose task has not ended yet: two must not write to one place.
    waiting: HashMap<Arc<str>, Environment>,
    stop: CancellationToken,
}

struct Running {
    environment: Environment,
    panics: u32,
    stop: CancellationToken,
}

impl Crew {
    fn run(&mut self, environment: Environment) {
        if self.end(&environment.name) {
            let name = Arc::clone(&environment.name);
            self.waiting.insert(name, environment);
        } else {
            self.start(environment, Duration::ZERO, 0);
        }
    }

    /// Whether it has not ended yet.
    fn end(&mut self, name: &str) -> bool {
        self.waiting.remove(name);
        let mut running = self.running.values();
        let running = running.find(|it| *it.environment.name == *name);
        if let Some(running) = running {
            running.stop.cancel();
        }
        running.is_some()
    }

    /// A task ended: it was asked to, or it panicked.
    fn ended(&mut self, id: Id) {
        let Some(Running {
            environment,
            panics,
            stop,
        }) = self.running.remove(&id)
        else {
            return;
        };
        if stop.is_cancelled() {
            if let Some(next) = self.waiting.remove(&environment.name) {
                self.start(next, Duration::ZERO, 0);
            }
            return;
        }
        environment.status.restart(clock::now());
        let delay = RESTART.saturating_mul(1 << panics.min(10)).min(RESTART_MAX);
        error!(
            environment = &*environment.name,
            panics = panics + 1,
            retry_in_milliseconds = delay.as_millis(),
            "environment task panicked; restarting it"
        );
        self.start(environment, delay, panics + 1);
    }

    fn start(&mut self, environment: Environment, delay: Duration, panics: u32) {
        let span = info_span!("environment", environment = &*environment.name);
        let stop = self.stop.child_token();
        let (run, stopped) = (environment.clone(), stop.clone());
        let task = async move {
            if !delay.is_zero() {
                tokio::select! {
                    () = stopped.cancelled() => return,
                    () = sleep(delay) => {}
                }
            }
            run.run(stopped).await;
        };
        let id = self.tasks.spawn(task.instrument(span)).id();
        let running = Running {
            environment,
            panics,
            stop,
        };
        self.running.insert(id, running);
    }
}
