//! `verify`: LaunchDarkly against the table, without a write.

use std::io::{self, Write};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::environments::{Gathered, gather};
use crate::config::Config;
use crate::environment::{Comparison, Difference, Environment, Failure};
use crate::metrics::Metrics;
use crate::model::ItemKey;
use crate::roster::RefusedEnvironment;
use crate::secrets::Keeper;
use crate::table::Connection;

/// How far the tables agree with LaunchDarkly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agreement {
    /// Every table is what LaunchDarkly says.
    Same,
    /// Some item differs.
    Drift,
    /// Some environment could not be compared.
    Unknown,
}

/// An environment and what comparing it showed.
pub type Compared = (Environment, Result<Comparison, Failure>);

/// What comparing all of them showed.
pub struct Comparisons {
    /// Those that could be compared, or should.
    pub compared: Vec<Compared>,
    /// Those that the roster lists and whose description cannot be used.
    pub unusable: Vec<RefusedEnvironment>,
}

/// Compares every environment once.
pub async fn compare(
    config: &Config,
    connection: &Connection,
    confirmed_removals: Option<usize>,
) -> anyhow::Result<Comparisons> {
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
    let compared = join_all(environments.iter().map(|it| it.compare(patience))).await;
    Ok(Comparisons {
        compared: environments.into_iter().zip(compared).collect(),
        unusable,
    })
}

/// Prints the differences and says how far the tables agree.
pub fn print(all: &Comparisons, as_json: bool, out: &mut impl Write) -> io::Result<Agreement> {
    let mut agreement = Agreement::Same;
    let mut documents = Vec::new();
    for (environment, comparison) in &all.compared {
        let name = &*environment.name;
        let found = comparison
            .as_ref()
            .map(|it| it.differences(environment.table.layout.namespace_bytes()));
        agreement = agreement.max(match &found {
            Err(_) => Agreement::Unknown,
            Ok(differences) if differences.is_empty() => Agreement::Same,
            Ok(_) => Agreement::Drift,
        });
        if as_json {
            documents.push(document(name, &found));
            continue;
        }
        match found {
            Err(failure) => writeln!(out, "{name}: {failure}")?,
            Ok(differences) if differences.is_empty() => writeln!(out, "{name}: same")?,
            Ok(differences) => {
                let count = differences.len();
                let plural = if count == 1 { "" } else { "s" };
                writeln!(out, "{name}: {count} difference{plural}")?;
                for (key, difference) in &differences {
                    writeln!(out, "  {}: {}", subject(key.as_ref()), tell(*difference))?;
                }
            }
        }
    }
    for unusable in &all.unusable {
        agreement = Agreement::Unknown;
        if as_json {
            documents.push(json!({"environment": &*unusable.id, "error": unusable.reason}));
        } else {
            writeln!(out, "{}: {}", unusable.id, unusable.reason)?;
        }
    }
    if as_json {
        writeln!(
            out,
            "{}",
            json!({"same": agreement == Agreement::Same, "environments": documents})
        )?;
    }
    Ok(agreement)
}

type Found<'a> = Result<Vec<(Option<ItemKey>, Difference)>, &'a Failure>;

fn document(name: &str, found: &Found<'_>) -> Value {
    match found {
        Err(failure) => json!({"environment": name, "error": failure.to_string()}),
        Ok(differences) => {
            let differences = differences.iter().map(|(key, difference)| {
                json!({"kind": key.as_ref().map(|it| it.kind.label()), "key": key.as_ref().map(|it| &*it.key),
                       "difference": label(*difference), "detail": tell(*difference)})
            });
            json!({"environment": name, "differences": differences.collect::<Vec<_>>()})
        }
    }
}

fn subject(key: Option<&ItemKey>) -> String {
    key.map_or_else(|| "marker".into(), ToString::to_string)
}

const fn label(difference: Difference) -> &'static str {
    match difference {
        Difference::Drift(drift) => drift.label(),
        Difference::TooLarge(_) => "too_large",
        Difference::Malformed(_) => "malformed",
    }
}

fn tell(difference: Difference) -> String {
    match difference {
        Difference::Drift(drift) => drift.label().into(),
        Difference::TooLarge(bytes) => {
            format!("its row would have {bytes} bytes, DynamoDB takes 409600")
        }
        Difference::Malformed(fault) => fault.to_string(),
    }
}
