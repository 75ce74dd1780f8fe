//! What a sync is compared with: a bare loop of `PutItem`, with the daemon's client, as many in flight, and no condition.
//!
//! The loop runs in a process of its own, as the daemon does: this program started again with other arguments.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::stream::{StreamExt as _, iter};
use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::simulator::Items;
use ld_dynamodb_relay::table::{self, Fixed};
use tokio::process::Command;
use tokio::task::JoinSet;

use super::generated;
use super::world::{TABLE, World, span};

/// The argument that makes this program the bare loop; the endpoint and the number of flags come after it.
pub(crate) const ARGUMENT: &str = "bare-loop";
/// The daemon's default.
const IN_FLIGHT: usize = 32;

/// The daemon's client for an endpoint.
pub(crate) async fn client(endpoint: &str) -> Client {
    table::connect(Some(endpoint), Some(Fixed)).await.client()
}

/// One `PutItem` of an item as the SDKs read it, in a partition beside the daemon's.
pub(crate) async fn put(client: &Client, key: &ItemKey, version: u64, text: &str) -> Result<()> {
    let namespace = match key.kind {
        Kind::Flag => "bare:features",
        Kind::Segment => "bare:segments",
    };
    let row = HashMap::from([
        ("namespace".into(), AttributeValue::S(namespace.into())),
        ("key".into(), AttributeValue::S(key.key.to_string())),
        ("version".into(), AttributeValue::N(version.to_string())),
        ("item".into(), AttributeValue::S(text.to_owned())),
    ]);
    let put = client.put_item().table_name(TABLE).set_item(Some(row));
    put.send().await.context("a bare PutItem failed")?;
    Ok(())
}

/// The loop: every item of the generated set, from one task, as one environment of the daemon is one task.
pub(crate) async fn run(endpoint: &str, flags: usize) -> Result<()> {
    let items = generated(flags);
    let version = |key| items.version(key).unwrap_or_default();
    let rows = items
        .iter()
        .map(|(key, text)| (key.clone(), version(key), Arc::clone(text)));
    let rows = rows.collect();
    let client = client(endpoint).await;
    let mut task = JoinSet::new();
    task.spawn(put_all(client, rows));
    task.join_next()
        .await
        .context("the loop did not begin")?
        .context("the loop panicked")?
}

async fn put_all(client: Client, items: Vec<(ItemKey, u64, Arc<str>)>) -> Result<()> {
    let puts = items.into_iter().map(|(key, version, text)| {
        let client = client.clone();
        async move { put(&client, &key, version, &text).await }
    });
    let mut flight = iter(puts).buffer_unordered(IN_FLIGHT);
    while let Some(done) = flight.next().await {
        done?;
    }
    Ok(())
}

/// Runs the loop against a store of its own. Gives the seconds from its first request to its last answer.
pub(crate) async fn seconds(flags: usize) -> Result<f64> {
    let world = World::new(&Items::default()).await?;
    let program = std::env::current_exe().context("this program cannot find itself")?;
    let ended = Command::new(program)
        .args([ARGUMENT, &world.store.endpoint(), &flags.to_string()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await?;
    ensure!(ended.success(), "the bare loop failed");
    let log = world.store.log();
    ensure!(
        log.len() == generated(flags).len(),
        "the bare loop wrote {} rows",
        log.len()
    );
    Ok(span(&log)?.as_secs_f64())
}
