//! `demo`: everything in one process, on a machine with nothing else. A simulated LaunchDarkly, an embedded DynamoDB, and
//! the relay between them as it runs in production.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::run::{self, Ports};
use crate::config::{self, Config, Sources};
use crate::logging::LogLevels;
use crate::model::{ItemKey, Kind};
use crate::simulator::{
    ANY_PORT, FileData, Items, LaunchDarkly, Reload, SimulatedEnvironment, Step, Store,
    StoreOptions, example,
};
use crate::table::{self, Fixed, Layout};

const SDK_KEY: &str = "sdk-demo-0000";
const PREFIX: &str = "demo";
const TABLE: &str = "launchdarkly";
/// Nothing here takes so long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);
/// Reloads whose changes are being waited for, at most.
const RELOADS: usize = 8;

/// What the demo was told.
pub struct Options {
    /// Flags in the file data source format; the example set without it.
    pub file: Option<PathBuf>,
    /// Where the table is kept; in memory without it.
    pub data_dir: Option<PathBuf>,
    /// The embedded DynamoDB's port; a free one without it.
    pub port: Option<u16>,
}

/// The parts between which the relay runs.
pub struct Demo {
    _launchdarkly: LaunchDarkly,
    environment: SimulatedEnvironment,
    store: Store,
    file: Option<FileData>,
    /// The settings that the relay runs with.
    pub config: Config,
}

impl Demo {
    /// Starts a simulated LaunchDarkly and an embedded DynamoDB with its table.
    pub async fn start(options: Options) -> Result<Self> {
        let launchdarkly = LaunchDarkly::start(ANY_PORT).await?;
        let environment = launchdarkly.environment(SDK_KEY);
        let file = if let Some(path) = options.file {
            Some(FileData::load(path, environment.clone()).await?)
        } else {
            environment.replace(example()?);
            None
        };
        if let Some(folder) = &options.data_dir {
            tokio::fs::create_dir_all(folder)
                .await
                .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        }
        let address = SocketAddr::new(ANY_PORT.ip(), options.port.unwrap_or_default());
        let store = Store::start(StoreOptions {
            address,
            data_dir: options.data_dir,
        })
        .await?;
        store.create_table(TABLE)?;
        let config = settings(&launchdarkly.uri(), &store.endpoint())?;
        Ok(Self {
            _launchdarkly: launchdarkly,
            environment,
            store,
            file,
            config,
        })
    }

    /// Runs the relay until a signal and prints each change of the file as it is stored.
    pub async fn run(mut self, levels: LogLevels) -> Result<()> {
        let ports = if let Ok(ports) = Ports::bind(&self.config).await {
            ports
        } else {
            // Something else has them, and this is only a demo.
            (self.config.http.port, self.config.http.admin_port) = (0, 0);
            Ports::bind(&self.config).await?
        };
        let (_, admin) = ports.addresses()?;
        let connection = table::connect(Some(&self.store.endpoint()), Some(Fixed)).await;
        let file = self.file.take();
        let tell = async {
            self.wait_for_marker().await?;
            say(&self.instructions(admin.port(), file.is_some()))?;
            let Some(file) = file else {
                return std::future::pending().await;
            };
            let (reloads, changes) = mpsc::channel(RELOADS);
            tokio::select! {
                () = file.watch(|reload| announce(&reloads, reload)) => Ok(()),
                told = self.tell_changes(changes) => told,
            }
        };
        tokio::select! {
            end = run::run(&self.config, ports, connection, levels, CancellationToken::new()) => end.map(|_| ()),
            told = tell => told,
        }
    }

    async fn wait_for_marker(&self) -> Result<()> {
        let layout = Layout::new(PREFIX);
        let marked = || {
            matches!(
                self.store.row(TABLE, layout.marker(), layout.marker()),
                Ok(Some(_))
            )
        };
        let wait = self.store.wait_until("the marker", |_| marked());
        timeout(PATIENCE, wait)
            .await
            .map_err(|_| anyhow!("the table was not filled; the log says why"))
    }

    async fn tell_changes(&self, mut changes: mpsc::Receiver<(Instant, Vec<Step>)>) -> Result<()> {
        while let Some((announced, steps)) = changes.recv().await {
            for step in steps {
                let (key, version, done) = match step {
                    Step::Put(key, text) => {
                        let said = Items::from_iter([(key.clone(), text.into())]);
                        (
                            key.clone(),
                            said.version(&key).unwrap_or_default(),
                            "stored",
                        )
                    }
                    Step::Delete(key, version) => (key, version, "deleted"),
                };
                let stored = |_: &_| self.holds(&key, version);
                let wait = self.store.wait_until("the change", stored);
                match timeout(PATIENCE, wait).await {
                    Ok(()) => say(&format!(
                        "{key}: {done}, {} ms after the file changed it\n",
                        announced.elapsed().as_millis()
                    ))?,
                    Err(_) => say(&format!(
                        "{key}: not {done} yet; the log and /status say why\n"
                    ))?,
                }
            }
        }
        Ok(())
    }

    /// Whether the table has this version of an item, or one that came after it.
    fn holds(&self, key: &ItemKey, version: u64) -> bool {
        let layout = Layout::new(PREFIX);
        match self.store.row(TABLE, layout.namespace(key.kind), &key.key) {
            Ok(Some(row)) => row.version() >= Some(version),
            _ => false,
        }
    }

    fn instructions(&self, admin: u16, from_file: bool) -> String {
        let endpoint = self.store.endpoint();
        let items = self.environment.items();
        let flag = items
            .iter()
            .find(|(key, _)| key.kind == Kind::Flag)
            .map_or("your-flag", |(key, _)| &*key.key);
        let edit = if from_file {
            "Edit the file and see each change arrive here."
        } else {
            "With a file of your own (the SDKs' file data source format, JSON or YAML) you see each edit arrive: demo flags.json"
        };
        format!(
            r#"
The table is what the simulated LaunchDarkly says.

  DynamoDB   {endpoint}
  table      {TABLE}
  prefix     {PREFIX}
  status     http://127.0.0.1:{admin}/status

Read a flag with the AWS CLI:

  AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo aws dynamodb get-item --region us-east-1 \
    --endpoint-url {endpoint} --table-name {TABLE} \
    --key '{{"namespace":{{"S":"{PREFIX}:features"}},"key":{{"S":"{flag}"}}}}'

Evaluate it with LaunchDarkly's Python SDK in daemon mode (pip install launchdarkly-server-sdk boto3):

  AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo AWS_DEFAULT_REGION=us-east-1 python3 -c '
import ldclient
from ldclient.config import Config
from ldclient.integrations import DynamoDB
store = DynamoDB.new_feature_store("{TABLE}", prefix="{PREFIX}", dynamodb_opts={{"endpoint_url": "{endpoint}"}})
ldclient.set_config(Config("{SDK_KEY}", feature_store=store, use_ldd=True, send_events=False))
print(ldclient.get().variation("{flag}", ldclient.Context.create("you"), None))'

{edit}
Ctrl-C stops it.

"#
        )
    }
}

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

/// As in production: read from variables, by the same rules.
fn settings(launchdarkly: &str, endpoint: &str) -> Result<Config> {
    let process = Sources::of_process(None, true);
    let mut variables: BTreeMap<_, _> = process
        .variables
        .into_iter()
        .filter(|(name, _)| KEPT.contains(&name.as_str()))
        .collect();
    variables
        .entry("LOG_FORMAT".into())
        .or_insert_with(|| "text".into());
    let ours = [
        ("LD_ENV_demo", SDK_KEY),
        ("LD_PREFIX_demo", PREFIX),
        ("DYNAMODB_TABLE", TABLE),
        ("DYNAMODB_URL", endpoint),
        ("STREAM_URI", launchdarkly),
        ("BASE_URI", launchdarkly),
    ];
    variables.extend(ours.map(|(name, value)| (name.to_owned(), value.to_owned())));
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

fn announce(changes: &mpsc::Sender<(Instant, Vec<Step>)>, reload: Reload) {
    let told = match reload {
        Reload::Changed(steps) if steps.is_empty() => return,
        Reload::Changed(steps) => changes
            .try_send((Instant::now(), steps))
            .map_err(|_| "the file changes faster than it can be told"),
        Reload::Broken(error) => {
            tracing::warn!("the file cannot be used, so nothing changed: {error:#}");
            return;
        }
    };
    if let Err(reason) = told {
        tracing::warn!(reason, "a change was stored and not told");
    }
}

fn say(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("standard output cannot be written")
}
