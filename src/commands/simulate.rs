//! `simulate` and `create-table`: the demo's parts by themselves, for `docker compose` and for trying things out.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::run::stop_on_signals;
use crate::cli::Simulation;
use crate::config::Sources;
use crate::simulator::{
    FileData, FileRoster, LaunchDarkly, OfflineEnvironment, Reload, SimulatedEnvironment, archive,
    example,
};
use crate::table;

/// The environment that a simulated LaunchDarkly has.
const SDK_KEY: &str = "sdk-simulated";
/// The key for which the environments are listed that the file lists.
const AUTO_CONFIGURATION_KEY: &str = "rel-simulated";
/// Its ID, and what it and its project are called, in an archive.
const NAME: &str = "simulated";
/// How long the endpoint may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two attempts.
const AGAIN: Duration = Duration::from_millis(500);

/// Serves a file, or the example set, as LaunchDarkly does, until a signal. Keeps an offline archive of it, if one is wanted.
pub async fn simulate(simulation: Simulation) -> Result<()> {
    // The first process of a container has to heed signals itself.
    let stop = CancellationToken::new();
    let stop_on_signals = stop_on_signals(&stop)?;
    tokio::select! {
        end = serve(simulation) => end,
        () = stop.cancelled() => Ok(()),
        () = stop_on_signals => Ok(()),
    }
}

async fn serve(simulation: Simulation) -> Result<()> {
    let Simulation {
        address,
        archive,
        file,
    } = simulation;
    let archive = archive.as_deref();
    let launchdarkly = LaunchDarkly::start(address).await?;
    let environment = launchdarkly.environment(SDK_KEY);
    say(&format!(
        "a simulated LaunchDarkly at {} for the SDK key {SDK_KEY} and the auto-configuration key {AUTO_CONFIGURATION_KEY}",
        launchdarkly.uri()
    ))?;
    let auto_configuration = launchdarkly.auto_configuration(AUTO_CONFIGURATION_KEY);
    let Some(path) = file else {
        environment.replace(example()?);
        write_archive(archive, &environment)?;
        return std::future::pending().await;
    };
    let roster = FileRoster::load(&path, auto_configuration).await?;
    let file = FileData::load(path, environment.clone()).await?;
    write_archive(archive, &environment)?;
    let roster = roster.watch(|edit| {
        let text = edit.map_or_else(|error| format!("{error:#}"), |edit| edit.to_string());
        drop(say(&text));
    });
    let file = file.watch(|reload| {
        let text = match reload {
            Reload::Changed(steps) => {
                let written = write_archive(archive, &environment);
                written.map_or_else(
                    |error| format!("{error:#}"),
                    |()| format!("the file changed: {} changes", steps.len()),
                )
            }
            Reload::Broken(error) => {
                format!("the file cannot be used, so nothing changed: {error:#}")
            }
        };
        // Whoever closed standard output does not want to know.
        drop(say(&text));
    });
    tokio::join!(roster, file);
    Ok(())
}

/// Puts an archive of what the environment says in the place of the one that is there, whole.
fn write_archive(path: Option<&Path>, environment: &SimulatedEnvironment) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let bytes = archive(&[OfflineEnvironment {
        id: NAME.to_owned(),
        project: NAME.to_owned(),
        name: NAME.to_owned(),
        sdk_key: SDK_KEY.to_owned(),
        version: 1,
        items: environment.items(),
    }])?;
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let written = fs::write(&new, bytes).and_then(|()| fs::rename(&new, path));
    written.with_context(|| format!("the archive {} cannot be written", path.display()))?;
    say(&format!(
        "an offline archive of it is at {}",
        path.display()
    ))
}

/// Makes the table of `DYNAMODB_TABLE` at `DYNAMODB_URL`, once something answers there. A table that is there is kept.
pub async fn create_table(out: &mut impl Write) -> Result<()> {
    let variables = Sources::of_process(None, true).variables;
    let get = |name: &str| {
        variables
            .get(name)
            .with_context(|| format!("{name} is not set: name the table and the endpoint"))
    };
    let (name, endpoint) = (get("DYNAMODB_TABLE")?, get("DYNAMODB_URL")?);
    let client = table::connect(Some(endpoint), Some(table::Fixed))
        .await
        .client();
    let made = async {
        loop {
            match create(&client, name).await {
                Ok(()) => return Ok(()),
                Err(error) => writeln!(out, "not yet: {error:#}")?,
            }
            sleep(AGAIN).await;
        }
    };
    let made: Result<()> = timeout(PATIENCE, made)
        .await
        .with_context(|| format!("table {name} could not be made at {endpoint}"))?;
    made?;
    writeln!(out, "table {name} is there")?;
    Ok(())
}

fn say(text: &str) -> Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .context("standard output cannot be written")
}

async fn create(client: &aws_sdk_dynamodb::Client, name: &str) -> Result<()> {
    let mut request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest);
    for (attribute, kind) in [("namespace", KeyType::Hash), ("key", KeyType::Range)] {
        let definition = AttributeDefinition::builder()
            .attribute_name(attribute)
            .attribute_type(ScalarAttributeType::S);
        let element = KeySchemaElement::builder()
            .attribute_name(attribute)
            .key_type(kind);
        request = request
            .attribute_definitions(definition.build()?)
            .key_schema(element.build()?);
    }
    match request.send().await {
        Err(error)
            if !error
                .as_service_error()
                .is_some_and(CreateTableError::is_resource_in_use_exception) =>
        {
            Err(aws_sdk_dynamodb::Error::from(error).into())
        }
        _ => Ok(()),
    }
}
