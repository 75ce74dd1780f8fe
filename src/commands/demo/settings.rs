//! The settings of the demo's relay.

use std::collections::BTreeMap;
use std::io;

use anyhow::{Result, anyhow};

use super::TABLE;
use crate::config::{self, Config, Sources};

/// What the user may set: what does not say where LaunchDarkly and the table are.
const KEPT: &[&str] = &[
    "PORT",
    "PROMETHEUS_PORT",
    "LOG_LEVEL",
    "LOG_FORMAT",
    "WEBHOOK_SECRET",
    "WEBHOOK_MAX_AGE",
    "ADMIN_TOKEN",
    "REPAIR",
    "VERIFY_INTERVAL",
    "MARKER_CHECK_INTERVAL",
];

/// As in production: read from variables, by the same rules. `environments` are those that say which there are.
pub(super) fn load(
    launchdarkly: &str,
    endpoint: &str,
    environments: &[(&str, &str)],
) -> Result<Config> {
    let process = Sources::of_process(None, true);
    let mut variables: BTreeMap<_, _> = process
        .variables
        .into_iter()
        .filter(|(name, _)| KEPT.contains(&name.as_str()))
        .collect();
    variables
        .entry("LOG_FORMAT".into())
        .or_insert_with(|| "text".into());
    let places = [
        ("DYNAMODB_TABLE", TABLE),
        ("DYNAMODB_URL", endpoint),
        ("STREAM_URI", launchdarkly),
        ("BASE_URI", launchdarkly),
    ];
    let ours = places.iter().chain(environments);
    variables.extend(ours.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let nothing = |_: &std::path::Path| Err(io::Error::from(io::ErrorKind::NotFound));
    let sources = Sources {
        file: None,
        allow_missing_file: true,
        variables,
        read: &nothing,
    };
    config::load(&sources)
        .config
        .map_err(|problems| anyhow!("{problems}"))
}
