//! The document lists every metric and what its labels say.

use std::collections::BTreeSet;

use ld_dynamodb_relay::metrics::Metrics;
use ld_dynamodb_relay::status::EnvironmentStatus;

use super::{PREFIX, now, render, scrape};

/// The lines of the table, as docs/metrics.md has them.
fn rows() -> Vec<String> {
    Metrics::families(PREFIX)
        .into_iter()
        .map(|(name, family, environment)| {
            let labels: Vec<_> = environment
                .then_some("environment")
                .into_iter()
                .chain(family.labels.iter().copied())
                .map(|label| format!("`{label}`"))
                .collect();
            let (kind, help) = (family.kind, family.help.trim());
            format!("| `{name}` | {kind} | {} | {help} |", labels.join(", "))
        })
        .collect()
}

/// The values of each metric's labels, as docs/metrics.md has them.
fn value_rows() -> Vec<String> {
    let metrics = Metrics::new(PREFIX);
    let _series = metrics.environment("production");
    let status = EnvironmentStatus::new(now());
    let scrape = scrape(&render(&metrics, &[("production", &status)], now()));
    let mut rows = Vec::new();
    for (name, family, _) in Metrics::families(PREFIX) {
        // Every build has another version; all other labels have the same values for ever.
        for label in family.labels.iter().filter(|label| **label != "version") {
            let values: BTreeSet<_> = scrape
                .samples
                .iter()
                .filter(|sample| sample.metric == name)
                .map(|sample| format!("`{}`", sample.labels.get(label).unwrap()))
                .collect();
            let values = values.into_iter().collect::<Vec<_>>().join(", ");
            rows.push(format!("| `{}{{{label}}}` | {values} |", family.name));
        }
    }
    rows
}

#[test]
fn the_document_lists_every_metric_and_value_and_no_other() {
    let document = include_str!("../../docs/metrics.md");
    let listed: Vec<_> = document
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let rows = [rows(), value_rows()].concat();
    assert_eq!(
        listed,
        rows,
        "docs/metrics.md should hold:\n{}",
        rows.join("\n")
    );
}
