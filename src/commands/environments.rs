//! The environments of a command that does its work once: those that are listed, or those that LaunchDarkly lists.

use anyhow::{Result, anyhow};

use crate::clock;
use crate::config::{AutoConfigSettings, Config, RosterSettings, secret_check};
use crate::environment::Environment;
use crate::launchdarkly::Transport;
use crate::metrics::Metrics;
use crate::registry::{EnvironmentRegistry, RosterOrders};
use crate::roster::{RefusedEnvironment, Templates};
use crate::secrets::Keeper;
use crate::status::RosterStatus;
use crate::supervisor::{Assembler, Follower, RosterCache, RosterRunner, RosterUse, assemble};
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
    let settings = match &config.roster {
        RosterSettings::AutoConfig(settings) => settings,
        RosterSettings::Listed | RosterSettings::Archive(_) => {
            let environments = assemble(config, connection, metrics, confirmed_removals, keeper)?;
            keeper.read().await;
            return Ok(Gathered {
                environments,
                unusable: Vec::new(),
            });
        }
    };
    let registry = EnvironmentRegistry::default();
    let assembler = Assembler::new(config, connection, metrics, confirmed_removals);
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
    let environments = runner.first(config.lifecycle.init_timeout).await?;
    let Some(environments) = environments else {
        let detail = runner.trouble();
        return Err(anyhow!(
            "LaunchDarkly did not say within INIT_TIMEOUT which environments there are{}",
            detail.map_or_else(String::new, |detail| format!(": {detail}"))
        ));
    };
    Ok(Gathered {
        environments,
        unusable: runner.unusable(),
    })
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
        let destination = &settings.destination;
        let templates = Templates::new(&destination.table, &destination.prefix)
            .map_err(|fault| anyhow!("ENV_DATASTORE_PREFIX, ENV_DATASTORE_TABLE_NAME: {fault}"))?;
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
            endpoint: self.connection.endpoint.clone(),
        };
        Ok(RosterRunner::new(follower, assembler, used))
    }
}
