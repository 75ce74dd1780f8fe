//! `sync`: every environment once, by the same two halves as the daemon's.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::environments::{Gathered, gather};
use super::run::stop_on_signals;
use crate::clock;
use crate::config::{Config, RosterSettings};
use crate::environment::Environment;
use crate::metrics::Metrics;
use crate::secrets::Keeper;
use crate::status::{EnvironmentStatus, Facts, HeldReason, SourcePhase, TablePhase};
use crate::supervisor::{no_changes, supervise};
use crate::table::Connection;

/// What became of one environment.
pub struct Synced {
    name: String,
    facts: Facts,
    /// Why LaunchDarkly could not be asked, where it could not: there is no SDK key, or none that can be used.
    unusable: Option<String>,
    /// A signal ended it.
    stopped: bool,
}

/// Why removals cannot be confirmed by their number alone: another environment may hold as many.
pub fn whose(config: &Config) -> Option<String> {
    if !matches!(config.roster, RosterSettings::Listed) {
        return Some(
            "--confirm-removals is for one environment, and AUTO_CONFIG_KEY or FILE_DATA_SOURCE may name several; ask \
             the running daemon: POST /sync/<environment>?confirm=removals&count=N"
                .to_owned(),
        );
    }
    let environments = config.environments.len();
    (environments > 1).then(|| {
        format!(
            "--confirm-removals is for one environment, and {environments} are configured; give it the settings of the one that is meant, or ask the running daemon: POST /sync/<environment>?confirm=removals&count=N"
        )
    })
}

/// Runs every environment until each is settled, has failed, or makes no progress for `INIT_TIMEOUT`; a signal ends it in
/// order.
pub async fn sync(
    config: &Config,
    connection: &Connection,
    confirmed_removals: Option<usize>,
) -> anyhow::Result<Vec<Synced>> {
    let metrics = Metrics::new(&config.http.metrics_prefix);
    let mut keeper = Keeper::default();
    let gathered = gather(
        config,
        connection,
        &metrics,
        confirmed_removals,
        &mut keeper,
    );
    let Gathered {
        environments,
        unusable,
    } = gathered.await?;
    let patience = config.lifecycle.init_timeout;
    let watched = environments.clone();
    let stop = CancellationToken::new();
    let run = supervise(
        environments,
        no_changes(),
        metrics,
        stop.clone(),
        config.lifecycle.shutdown_timeout,
    );
    let mut stopped = false;
    let watch = async {
        tokio::select! {
            () = stop.cancelled() => stopped = true,
            _ = join_all(watched.iter().map(|it| finished(it, patience))) => stop.cancel(),
        }
    };
    let stop_on_signals = stop_on_signals(&stop)?;
    tokio::select! {
        _ = async { tokio::join!(run, watch) } => {}
        () = stop_on_signals => {}
    }
    let synced = watched.iter().map(|it| Synced {
        name: it.name.to_string(),
        facts: it.status.facts(),
        unusable: without_key(it).map(|it| it.to_string()),
        stopped,
    });
    let unusable = unusable.into_iter().map(|it| Synced {
        name: it.id.to_string(),
        facts: EnvironmentStatus::new(clock::now()).facts(),
        unusable: Some(it.reason),
        stopped,
    });
    Ok(synced.chain(unusable).collect())
}

/// Nobody reads keys again here: what there is not now will not come.
fn without_key(environment: &Environment) -> Option<Arc<str>> {
    let key = &environment.key;
    match key.value() {
        Some(_) => None,
        None => Some(key.trouble().unwrap_or_default()),
    }
}

/// Waits until nothing more is to be expected of an environment.
async fn finished(environment: &Environment, patience: Duration) {
    if without_key(environment).is_some() {
        return;
    }
    let mut before = None;
    loop {
        let changed = |facts: &Facts| {
            is_final(facts) || before.is_some_and(|before| before != progress(facts))
        };
        if timeout(patience, environment.status.wait_until(changed))
            .await
            .is_err()
        {
            return;
        }
        let facts = environment.status.facts();
        if is_final(&facts) {
            return;
        }
        before = Some(progress(&facts));
    }
}

/// What changes while there is hope.
fn progress(facts: &Facts) -> (bool, u64, usize) {
    (facts.said_everything, facts.written, facts.held.len())
}

fn is_final(facts: &Facts) -> bool {
    is_settled(facts)
        || facts.source.0 == SourcePhase::Refused
        || facts.table.0 == TablePhase::Misconfigured
}

fn is_settled(facts: &Facts) -> bool {
    let confirming = facts
        .held
        .values()
        .any(|held| held.reason == HeldReason::Unconfirmed);
    facts.table.0 == TablePhase::Settled && facts.stored.is_some() && !confirming
}

impl Synced {
    /// Whether the table is what LaunchDarkly says.
    pub fn is_equal(&self) -> bool {
        is_settled(&self.facts) && self.facts.held.is_empty()
    }

    fn reason(&self) -> Option<String> {
        let facts = &self.facts;
        if self.is_equal() {
            None
        } else if self.stopped {
            Some("asked to stop before it was done".into())
        } else if let Some(trouble) = &self.unusable {
            Some(trouble.clone())
        } else if is_settled(facts) {
            Some(match facts.braked {
                0 => format!("{} items are held", facts.held.len()),
                count => format!(
                    "the brake holds {count} removals; if they are right: sync --confirm-removals {count}"
                ),
            })
        } else {
            let error = facts
                .last_error
                .clone()
                .filter(|_| facts.source.0 != SourcePhase::Connected);
            let advice = facts
                .table_advice
                .clone()
                .or(error.map(|error| error.message));
            Some(advice.unwrap_or_else(|| "no progress within INIT_TIMEOUT".into()))
        }
    }

    fn json(&self) -> Value {
        let held = self.facts.held.iter();
        let held: Vec<_> = held
            .map(|(key, held)| {
                json!({"kind": key.kind.label(), "key": &*key.key, "reason": held.reason.label(), "detail": held.detail})
            })
            .collect();
        json!({
            "environment": self.name, "equal": self.is_equal(), "written": self.facts.written,
            "reason": self.reason(), "held": held,
        })
    }
}

/// Logs what was written, where standard output is the log.
pub fn log(results: &[Synced]) {
    for result in results {
        let (environment, written) = (result.name.as_str(), result.facts.written);
        match result.reason() {
            None => info!(environment, written, "synchronised"),
            Some(detail) => error!(environment, written, detail, "not synchronised"),
        }
    }
}

/// Prints what was written.
pub fn print(results: &[Synced], as_json: bool, out: &mut impl Write) -> io::Result<()> {
    if as_json {
        let environments: Vec<_> = results.iter().map(Synced::json).collect();
        return writeln!(out, "{}", json!({"environments": environments}));
    }
    for result in results {
        let end = result.reason().unwrap_or_else(|| "equal".into());
        writeln!(
            out,
            "{}: {} written; {end}",
            result.name, result.facts.written
        )?;
        for (key, held) in &result.facts.held {
            writeln!(
                out,
                "  held {}: {key}: {}",
                held.reason.label(),
                held.detail
            )?;
        }
    }
    Ok(())
}
