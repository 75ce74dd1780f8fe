//! A simulated LaunchDarkly and an embedded DynamoDB in this process, and the daemon in a process of its own.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use ld_dynamodb_relay::simulator::store::{Record, RequestOutcome};
use ld_dynamodb_relay::simulator::{
    ANY_PORT, Items, LaunchDarkly, SimulatedEnvironment, Store, StoreOptions,
};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

pub(crate) const TABLE: &str = "flags";
/// What the image holds. Not cargo's own build for a bench, which has the tests' features of the crates too.
const DAEMON: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/target/image/",
    "root/ld-dynamodb-relay"
);
const KEY: &str = "sdk-00000000-0000-4000-8000-000000000001";
const MARKER: &str = "$inited";
/// Nothing that is waited for takes so long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the daemon runs between.
pub(crate) struct World {
    pub(crate) launchdarkly: LaunchDarkly,
    pub(crate) environment: SimulatedEnvironment,
    pub(crate) store: Store,
}

impl World {
    /// LaunchDarkly says `items`, the table is empty.
    pub(crate) async fn new(items: &Items) -> Result<Self> {
        let launchdarkly = LaunchDarkly::start(ANY_PORT).await?;
        let environment = launchdarkly.environment(KEY);
        environment.replace(items.clone());
        let store = Store::start(StoreOptions::default()).await?;
        store.create_table(TABLE)?;
        Ok(Self {
            launchdarkly,
            environment,
            store,
        })
    }

    /// Starts the daemon as an operator does. What it logs is formatted and thrown away.
    pub(crate) fn daemon(&self) -> Result<Daemon> {
        self.daemon_with(&[])
    }

    /// The same with more settings.
    pub(crate) fn daemon_with(&self, more: &[(&str, &str)]) -> Result<Daemon> {
        let (port, admin_port) = (free_port()?, free_port()?);
        let variables = [
            ("LD_ENV_bench", KEY),
            ("DYNAMODB_TABLE", TABLE),
            ("DYNAMODB_URL", &self.store.endpoint()),
            ("STREAM_URI", &self.launchdarkly.uri()),
            ("BASE_URI", &self.launchdarkly.uri()),
            ("PORT", &port.to_string()),
            ("PROMETHEUS_PORT", &admin_port.to_string()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "bench"),
            ("AWS_SECRET_ACCESS_KEY", "bench"),
        ];
        let mut command = Command::new(DAEMON);
        command
            .arg("run")
            .env_clear()
            .envs(variables)
            .envs(more.iter().copied())
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let spawned = Instant::now();
        let process = command
            .spawn()
            .with_context(|| format!("{DAEMON} cannot be started: make bench builds it first"))?;
        Ok(Daemon { process, spawned })
    }

    /// Waits until so many writes were done since the counts were last reset.
    pub(crate) async fn written(&self, writes: usize) {
        let what = format!("{writes} writes");
        let enough = |count| usize::try_from(count).is_ok_and(|count: usize| count >= writes);
        self.store
            .wait_until(&what, |counts| enough(counts.writes_accepted()))
            .await;
    }

    /// Waits until a first sync is done, its marker included. Gives the requests that it made.
    pub(crate) async fn first_sync(&self) -> Result<Vec<Record>> {
        self.written(self.environment.items().len() + 1).await;
        let log = self.store.log();
        let last = log.last().context("the store was asked nothing")?;
        if last.request.namespace.as_deref() != Some(MARKER)
            || last.outcome != RequestOutcome::Accepted
        {
            bail!("the marker was not the last write of the first sync");
        }
        Ok(log)
    }
}

/// From the first request to the last answer.
pub(crate) fn span(log: &[Record]) -> Result<Duration> {
    let first = log.iter().map(|record| record.arrived).min();
    let last = log.iter().map(|record| record.answered).max();
    match (first, last) {
        (Some(first), Some(last)) => Ok(last - first),
        _ => bail!("the store was asked nothing"),
    }
}

/// A running daemon. Killed when it is dropped.
pub(crate) struct Daemon {
    process: Child,
    /// Just before its process was made.
    pub(crate) spawned: Instant,
}

impl Daemon {
    /// A line of /proc/PID/status, in million bytes: `VmRSS` or `VmHWM`.
    pub(crate) fn memory(&self, name: &str) -> Result<f64> {
        let id = self.process.id().context("the daemon ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))
            .context("only Linux says how much memory a process has")?;
        let kib: f64 = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok())
            .with_context(|| format!("/proc/{id}/status has no {name}"))?;
        Ok(kib * 1_024.0 / 1e6)
    }

    /// Stops it at once and waits until it is gone.
    pub(crate) async fn kill(mut self) -> Result<()> {
        let gone = timeout(PATIENCE, self.process.kill());
        gone.await.context("the daemon does not end")??;
        Ok(())
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(ANY_PORT).context("there is no free port")?;
    Ok(listener.local_addr()?.port())
}
