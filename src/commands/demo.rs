//! `demo`: everything in one process, on a machine with nothing else. A simulated LaunchDarkly, an embedded DynamoDB, and
//! the relay between them as it runs in production.

mod listed;
mod one;
mod settings;
mod text;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::listed::ListedEnvironments;
use self::one::OneEnvironment;
use self::text::DemoText;
use super::run::{self, Ports};
use crate::config::Config;
use crate::logging::LogLevels;
use crate::simulator::{ANY_PORT, LaunchDarkly, Store, StoreOptions};
use crate::table::{self, Fixed, Layout};

const TABLE: &str = "launchdarkly";
/// Nothing here takes so long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);
/// Reloads whose changes are being waited for, at most.
const RELOADS: usize = 8;

/// What the demo was told.
pub struct Options {
    /// Flags in the file data source format; an example without it.
    pub file: Option<PathBuf>,
    /// Where the table is kept; in memory without it.
    pub data_dir: Option<PathBuf>,
    /// The embedded DynamoDB's port; a free one without it.
    pub port: Option<u16>,
    /// The relay is told by auto-configuration which environments there are: those that the file lists.
    pub auto_config: bool,
}

/// The parts between which the relay runs.
pub struct Demo {
    launchdarkly: LaunchDarkly,
    served: Served,
    store: Store,
    /// The settings that the relay runs with.
    pub config: Config,
}

/// What the simulated LaunchDarkly has.
enum Served {
    One(OneEnvironment),
    Listed(ListedEnvironments),
}

impl Demo {
    /// Starts a simulated LaunchDarkly and an embedded DynamoDB with its table.
    pub async fn start(options: Options) -> Result<Self> {
        let launchdarkly = LaunchDarkly::start(ANY_PORT).await?;
        let served = if options.auto_config {
            Served::Listed(ListedEnvironments::load(&launchdarkly, options.file).await?)
        } else {
            Served::One(OneEnvironment::load(&launchdarkly, options.file).await?)
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
        let environments = match &served {
            Served::One(_) => one::VARIABLES,
            Served::Listed(_) => listed::VARIABLES,
        };
        let config = settings::load(&launchdarkly.uri(), &store.endpoint(), environments)?;
        Ok(Self {
            launchdarkly,
            served,
            store,
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
        let endpoint = self.store.endpoint();
        let connection = table::connect(Some(&endpoint), Some(Fixed)).await;
        let Self {
            launchdarkly,
            served,
            store,
            config,
        } = self;
        let tell = async {
            let (environments, edit) = match &served {
                Served::One(one) => (vec![one.shown()], one.edit()),
                Served::Listed(listed) => (listed.shown(), listed.edit()),
            };
            for environment in &environments {
                let marked = wait_for_marker(&store, &environment.prefix).await;
                marked.ok_or_else(|| anyhow!("the table was not filled; the log says why"))?;
            }
            let text = DemoText {
                endpoint: &endpoint,
                admin: admin.port(),
                environments: &environments,
                edit,
            };
            say(&text.to_string())?;
            match served {
                Served::One(one) => one.tell(&store).await,
                Served::Listed(listed) => listed.tell(&store).await,
            }
        };
        let end = tokio::select! {
            end = run::run(&config, ports, connection, levels, CancellationToken::new()) => end.map(|_| ()),
            told = tell => told,
        };
        drop(launchdarkly);
        end
    }
}

/// Waits until an environment's data are there; none where that takes too long.
async fn wait_for_marker(store: &Store, prefix: &str) -> Option<()> {
    let layout = Layout::new(prefix);
    let marked = |_: &_| {
        let row = store.row(TABLE, layout.marker(), layout.marker());
        matches!(row, Ok(Some(_)))
    };
    timeout(PATIENCE, store.wait_until("the marker", marked))
        .await
        .ok()
}

fn say(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("standard output cannot be written")
}
