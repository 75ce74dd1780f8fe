//! A relay whose environments LaunchDarkly lists.

use std::sync::Arc;
use std::time::Duration;

use ld_dynamodb_relay::clock;
use ld_dynamodb_relay::config::{Config, SourceKind};
use ld_dynamodb_relay::launchdarkly::Transport;
use ld_dynamodb_relay::metrics::Metrics;
use ld_dynamodb_relay::model::Kind;
use ld_dynamodb_relay::registry::{EnvironmentRegistry, RegisteredEnvironment, RosterOrders};
use ld_dynamodb_relay::roster::Templates;
use ld_dynamodb_relay::secrets::Kept;
use ld_dynamodb_relay::simulator::{
    ANY_PORT, AutoConfiguration, LaunchDarkly, SimulatedEnvironment, Store, StoreOptions,
};
use ld_dynamodb_relay::status::{Facts, RosterFacts, RosterStatus};
use ld_dynamodb_relay::supervisor::{
    Assembler, Follower, RosterCache, RosterEnd, RosterRunner, RosterUse, supervise,
};
use ld_dynamodb_relay::table::{self, CacheTable, Fixed};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::quiet::Share;
use super::{PATIENCE, TABLE, assert_equal, config, flag, is_settled, log};

pub(crate) const AUTO_CONFIG_KEY: &str = "rel-00000000-0000-4000-8000-000000000001";
pub(crate) const NAMESPACE: &str = "roster-cache";
/// Where environments are polled.
const POLL_INTERVAL: Duration = Duration::from_millis(400);

/// LaunchDarkly with a roster, and an empty table.
pub(crate) struct Rostered {
    pub(crate) launchdarkly: LaunchDarkly,
    pub(crate) roster: AutoConfiguration,
    pub(crate) store: Store,
    _share: Share,
}

impl Rostered {
    /// With an environment for each ID, which has a flag called `first`.
    pub(crate) async fn new<'a>(ids: impl IntoIterator<Item = &'a str>) -> Self {
        let share = Share::some().await;
        log::collect();
        let launchdarkly = LaunchDarkly::start(ANY_PORT).await.unwrap();
        let roster = launchdarkly.auto_configuration(AUTO_CONFIG_KEY);
        let store = Store::start(StoreOptions::default()).await.unwrap();
        store.create_table(TABLE).unwrap();
        let it = Self {
            launchdarkly,
            roster,
            store,
            _share: share,
        };
        for id in ids {
            it.add(id);
        }
        it
    }

    /// One that has a flag called `first`.
    pub(crate) fn add(&self, id: &str) -> SimulatedEnvironment {
        self.add_quietly(id, 1);
        self.roster.add(id, "harbor", id)
    }

    pub(crate) fn environment(&self, id: &str) -> SimulatedEnvironment {
        self.roster.environment(id)
    }

    /// One that nobody lists yet, with a flag called `first` at this version.
    pub(crate) fn add_quietly(&self, id: &str, version: u64) {
        self.environment(id).quietly(|items| {
            items.insert(Kind::Flag, flag("first", version));
        });
    }

    /// Starts the relay.
    pub(crate) async fn relay(&self) -> RosteredRelay {
        self.relay_with(&RosteredOptions::default()).await
    }

    pub(crate) async fn relay_with(&self, options: &RosteredOptions) -> RosteredRelay {
        let mut config = Config {
            environments: Vec::new(),
            ..config(&self.launchdarkly.uri(), &self.store.endpoint())
        };
        config.upstream.poll_interval = POLL_INTERVAL;
        RosteredRelay::start(config, options).await
    }

    /// Asserts that the table is what these say.
    pub(crate) fn assert_equal<'a>(&self, ids: impl IntoIterator<Item = &'a str>) {
        for id in ids {
            assert_equal(&self.environment(id), &self.store, id);
        }
    }

    /// The text that is stored under a flag's key.
    pub(crate) fn stored(&self, id: &str, key: &str) -> Option<String> {
        let row = self
            .store
            .row(TABLE, &format!("{id}:features"), key)
            .unwrap();
        row.map(|row| row.item().unwrap_or_default().to_owned())
    }
}

/// How the relay is started.
pub(crate) struct RosteredOptions {
    pub(crate) prefix: &'static str,
    pub(crate) key: &'static str,
    /// The roster is kept.
    pub(crate) cached: bool,
    /// As with `EXIT_ON_ERROR`.
    pub(crate) exits: bool,
    pub(crate) source: SourceKind,
}

impl Default for RosteredOptions {
    fn default() -> Self {
        Self {
            prefix: "$CID",
            key: AUTO_CONFIG_KEY,
            cached: false,
            exits: false,
            source: SourceKind::Stream,
        }
    }
}

/// The relay. Dropping it is what kill -9 does.
pub(crate) struct RosteredRelay {
    pub(crate) registry: EnvironmentRegistry,
    pub(crate) status: RosterStatus,
    pub(crate) orders: RosterOrders,
    stop: CancellationToken,
    task: JoinSet<RosterEnd>,
}

impl RosteredRelay {
    async fn start(config: Config, options: &RosteredOptions) -> Self {
        let metrics = Metrics::new(&config.http.metrics_prefix);
        let connection = table::connect(config.store.endpoint.as_deref(), Some(Fixed)).await;
        let mut it = Self {
            registry: EnvironmentRegistry::default(),
            status: RosterStatus::auto_configured(clock::now()),
            orders: RosterOrders::default(),
            stop: CancellationToken::new(),
            task: JoinSet::new(),
        };
        let key = Kept::fixed(options.key.into());
        let cache = options.cached.then(|| {
            let table = CacheTable::new(connection.clone(), TABLE, NAMESPACE);
            RosterCache::new(table, None, key.clone())
        });
        let templates = Templates::new(TABLE, options.prefix).unwrap();
        let used = RosterUse {
            registry: it.registry.clone(),
            cache,
            orders: it.orders.clone(),
            source: options.source,
        };
        let (status, stop, exits) = (it.status.clone(), it.stop.clone(), options.exits);
        it.task.spawn(async move {
            let mut assembler = Assembler::new(&config, &connection, &metrics, None);
            let client = assembler.client(Transport::Stream).unwrap();
            let follower = Follower::new(client, key, templates, status);
            let runner = RosterRunner::new(follower, assembler, used);
            let (tell, changes) = mpsc::channel(4);
            let follow = async {
                let end = runner.run(tell, PATIENCE, exits, &stop).await.unwrap();
                stop.cancel();
                end
            };
            let grace = config.lifecycle.shutdown_timeout;
            let run = supervise(Vec::new(), changes, metrics.clone(), stop.clone(), grace);
            tokio::join!(follow, run).0
        });
        it
    }

    pub(crate) fn environment(&self, id: &str) -> Arc<RegisteredEnvironment> {
        self.registry.named(id).unwrap()
    }

    pub(crate) fn facts(&self, id: &str) -> Facts {
        self.environment(id).status.facts()
    }

    /// Waits until these are the environments that there are.
    pub(crate) async fn runs(&self, ids: &[&str]) {
        let are = self.registry.wait_until(|registered| {
            let mut names: Vec<_> = registered.iter().map(|it| &*it.info.name).collect();
            names.sort_unstable();
            names == ids
        });
        let there = || {
            self.registry
                .now()
                .iter()
                .map(|it| it.info.name.to_string())
                .collect()
        };
        let there: &dyn Fn() -> Vec<String> = &there;
        assert!(
            timeout(PATIENCE, are).await.is_ok(),
            "{ids:?} and not {:?}",
            there()
        );
    }

    /// Waits until these are the environments that there are, and each is stored.
    pub(crate) async fn settled(&self, ids: &[&str]) {
        self.runs(ids).await;
        for id in ids {
            self.until(id, "settled", is_settled).await;
        }
    }

    /// Waits until this holds of an environment.
    pub(crate) async fn until(&self, id: &str, what: &str, holds: impl FnMut(&Facts) -> bool) {
        let environment = self.environment(id);
        let wait = environment.status.wait_until(holds);
        let came = timeout(PATIENCE, wait).await.is_ok();
        assert!(came, "{id}: {what}; {:?}", environment.status.facts());
    }

    /// Waits until this holds of the roster.
    pub(crate) async fn until_roster(&self, what: &str, holds: impl FnMut(&RosterFacts) -> bool) {
        let came = timeout(PATIENCE, self.status.wait_until(holds))
            .await
            .is_ok();
        assert!(came, "{what}; {:?}", self.status.facts());
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(mut self) -> RosterEnd {
        let ended = timeout(PATIENCE, self.task.join_next()).await;
        ended.unwrap().unwrap().unwrap()
    }

    /// Stops it in order.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        assert_eq!(self.ended().await, RosterEnd::Stopped);
    }
}
