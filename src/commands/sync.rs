//! `sync`: every environment once, by the same two halves as the daemon's; and what `sync --dry-run` would do.

use std::io::{self, Write};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::verify::Compared;
use crate::config::Config;
use crate::environment::{Comparison, Environment};
use crate::metrics::Metrics;
use crate::plan::Write as Planned;
use crate::status::{Facts, HeldReason, SourcePhase, TablePhase};
use crate::supervisor::{assemble, supervise};
use crate::table::Connection;

/// What became of one environment.
pub struct Synced {
    name: String,
    facts: Facts,
}

/// Runs every environment until each is settled, has failed, or makes no progress for `INIT_TIMEOUT`.
pub async fn sync(
    config: &Config,
    connection: &Connection,
    confirmed_removals: Option<usize>,
) -> anyhow::Result<Vec<Synced>> {
    let metrics = Metrics::new(&config.http.metrics_prefix);
    let environments = assemble(config, connection, &metrics, confirmed_removals)?;
    let patience = config.lifecycle.init_timeout;
    let watched = environments.clone();
    let stop = CancellationToken::new();
    let run = supervise(
        environments,
        metrics,
        stop.clone(),
        config.lifecycle.shutdown_timeout,
    );
    let watch = async {
        join_all(watched.iter().map(|it| finished(it, patience))).await;
        stop.cancel();
    };
    tokio::join!(run, watch);
    Ok(watched
        .iter()
        .map(|it| Synced {
            name: it.name.to_string(),
            facts: it.status.facts(),
        })
        .collect())
}

/// Waits until nothing more is to be expected of an environment.
async fn finished(environment: &Environment, patience: Duration) {
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
fn progress(facts: &Facts) -> (bool, u64, usize, TablePhase) {
    (
        facts.said_everything,
        facts.written,
        facts.held.len(),
        facts.table.0,
    )
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
            Some(reason) => error!(environment, written, reason, "not synchronised"),
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

/// Prints what every environment's plan would write and hold; true if each could be made.
pub fn print_plans(compared: &[Compared], as_json: bool, out: &mut impl Write) -> io::Result<bool> {
    for (environment, comparison) in compared {
        match comparison {
            Ok(comparison) => print_plan(&environment.name, comparison, as_json, out)?,
            Err(failure) if as_json => {
                writeln!(
                    out,
                    "{}",
                    json!({"environment": &*environment.name, "error": failure.to_string()})
                )?;
            }
            Err(failure) => writeln!(out, "{}: {failure}", environment.name)?,
        }
    }
    Ok(compared.iter().all(|(_, comparison)| comparison.is_ok()))
}

fn print_plan(
    name: &str,
    comparison: &Comparison,
    as_json: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let writes = comparison
        .plan
        .stages
        .iter()
        .flatten()
        .map(|write| match write {
            Planned::Put(key, item, seen) => {
                let old = seen.as_ref().and_then(crate::model::Stamp::number);
                (
                    if item.is_tombstone() { "delete" } else { "put" },
                    Some(key),
                    old,
                    item.version(),
                )
            }
            Planned::Remove(key, seen) => ("remove", Some(key), seen.number(), None),
            Planned::MarkInitialized => ("mark", None, None, None),
        });
    let held = &comparison.plan.held.items;
    if as_json {
        let writes: Vec<_> = writes
            .map(|(action, key, old, new)| {
                json!({"action": action, "kind": key.map(|it| it.kind.label()), "key": key.map(|it| &*it.key),
                       "old_version": old, "new_version": new})
            })
            .collect();
        let mut keys: Vec<_> = held.keys().collect();
        keys.sort();
        let held: Vec<_> = keys
            .iter()
            .map(|key| json!({"kind": key.kind.label(), "key": &*key.key}))
            .collect();
        return writeln!(
            out,
            "{}",
            json!({"environment": name, "would_write": writes, "would_hold": held})
        );
    }
    writeln!(out, "{name}:")?;
    for (action, key, old, new) in writes {
        let version =
            |version: Option<u64>| version.map_or("none".into(), |version| version.to_string());
        match key {
            Some(key) => writeln!(
                out,
                "  would {action} {key}: version {} to {}",
                version(old),
                version(new)
            )?,
            None => writeln!(out, "  would write the marker")?,
        }
    }
    let mut keys: Vec<_> = held.keys().collect();
    keys.sort();
    for key in keys {
        writeln!(
            out,
            "  would hold {key} until LaunchDarkly says it again, or sends it otherwise"
        )?;
    }
    Ok(())
}
