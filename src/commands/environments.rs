//! The environments of a command that does its work once: those that are listed, or those that LaunchDarkly lists.

use anyhow::{Result, anyhow};
use tokio_util::sync::CancellationToken;

use crate::archive::ArchiveWatch;
use crate::clock;
use crate::config::{
    ArchiveSettings, AutoConfigSettings, Config, DestinationTemplates, RosterSettings, secret_check,
};
use crate::environment::Environment;
use crate::launchdarkly::Transport;
use crate::metrics::Metrics;
use crate::registry::{EnvironmentRegistry, RosterOrders};
use crate::roster::{RefusedEnvironment, Templates};
use crate::secrets::Keeper;
use crate::status::RosterStatus;
use crate::supervisor::{
    ArchiveRunner, Assembler, Follower, RosterCache, RosterRunner, RosterUse, assemble,
};
use crate::table::{CacheTable, Connection};

/// See the module.
pub(super) struct Gathered {
    pub(super) environments: Vec<Environment>,
    /// Those that the roster lists and whose description cannot be used.
    pub(super) unusable: Vec<RefusedEnvironment>,
}

/// All of them, with what they have for keys. Waits for what LaunchDarkly says first, for `INIT_TIMEOUT` at most.
pub(super) async fn gather(
    config: &Config,
    connection: &Connection,
    metrics: &Metrics,
    confirmed_removals: Option<usize>,
    keeper: &mut Keeper,
) -> Result<Gathered> {
    let registry = EnvironmentRegistry::default();
    let assembler = Assembler::new(config, connection, metrics, confirmed_removals);
    let patience = config.lifecycle.init_timeout;
    let settings = match &config.roster {
        RosterSettings::AutoConfig(settings) => settings,
        RosterSettings::Listed => {
            let environments = assemble(config, connection, metrics, confirmed_removals, keeper)?;
            keeper.read().await;
            return Ok(Gathered {
                environments,
                unusable: Vec::new(),
            });
        }
        RosterSettings::Archive(settings) => {
            keeper.read().await;
            let status = RosterStatus::archived();
            let (watch, mut runner) = archived(settings, assembler, registry, status)?;
            let environments = tokio::select! {
                environments = runner.first(patience) => environments?,
                () = watch.run(CancellationToken::new()) => Vec::new(),
            };
            return Ok(Gathered {
                environments,
                unusable: runner.unusable(),
            });
        }
    };
    let status = RosterStatus::auto_configured(clock::now());
    let followed = AutoConfigured {
        settings,
        connection,
        status: &status,
        registry: &registry,
        orders: &RosterOrders::default(),
    };
    let mut runner = followed.runner(assembler, keeper)?;
    keeper.read().await;
    let environments = runner.first(patience).await?;
    let Some(environments) = environments else {
        let detail = runner.trouble();
        return Err(anyhow!(
            "LaunchDarkly did not say within INIT_TIMEOUT which environments there are{}",
            detail.map_or_else(String::new, |detail| format!(": {detail}"))
        ));
    };
    let unusable = runner.unusable();
    if environments.is_empty() && unusable.is_empty() {
        return Err(anyhow!(
            "LaunchDarkly lists no environment for AUTO_CONFIG_KEY: check the policy of that Relay Proxy configuration at \
             LaunchDarkly"
        ));
    }
    Ok(Gathered {
        environments,
        unusable,
    })
}

/// Who looks at an archive's file, and who runs its environments.
pub(super) fn archived<'a>(
    settings: &ArchiveSettings,
    assembler: Assembler<'a>,
    registry: EnvironmentRegistry,
    status: RosterStatus,
) -> Result<(ArchiveWatch, ArchiveRunner<'a>)> {
    let (watch, news) = ArchiveWatch::new(settings.path.clone(), settings.interval);
    let templates = templates(&settings.destination)?;
    let runner = ArchiveRunner::new(news, templates, assembler, registry, status);
    Ok((watch, runner))
}

fn templates(destination: &DestinationTemplates) -> Result<Templates> {
    Templates::new(&destination.table, &destination.prefix)
        .map_err(|fault| anyhow!("ENV_DATASTORE_PREFIX, ENV_DATASTORE_TABLE_NAME: {fault}"))
}

/// What whoever follows auto-configuration takes with it.
pub(super) struct AutoConfigured<'a> {
    pub(super) settings: &'a AutoConfigSettings,
    pub(super) connection: &'a Connection,
    pub(super) status: &'a RosterStatus,
    pub(super) registry: &'a EnvironmentRegistry,
    pub(super) orders: &'a RosterOrders,
}

impl AutoConfigured<'_> {
    /// Who runs the environments of the roster. Connects to nothing yet; the keys are read by `keeper`.
    pub(super) fn runner<'b>(
        &self,
        mut assembler: Assembler<'b>,
        keeper: &mut Keeper,
    ) -> Result<RosterRunner<'b>> {
        let Self { settings, .. } = self;
        let key = keeper.keep(&settings.key, secret_check::auto_config_key);
        let templates = templates(&settings.destination)?;
        let client = assembler.client(Transport::Stream)?;
        let cache = settings.cache.as_ref().map(|cache| {
            let table = CacheTable::new(self.connection.clone(), &cache.table, &cache.namespace);
            let own = cache.encryption_key.as_ref();
            let own = own.map(|secret| keeper.keep(secret, |_| Ok(())));
            RosterCache::new(table, own, key.clone())
        });
        let follower = Follower::new(client, key, templates, self.status.clone());
        let used = RosterUse {
            registry: self.registry.clone(),
            cache,
            orders: self.orders.clone(),
            source: settings.source,
        };
        Ok(RosterRunner::new(follower, assembler, used))
    }
}
