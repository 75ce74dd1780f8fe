//! A world to run the relay in: LaunchDarkly, a table, and settings that tests can change.

pub(crate) mod log;
pub(crate) mod named;
mod quiet;
pub(crate) mod rostered;
pub(crate) mod several;

use std::path::Path;
use std::time::Duration;

use ld_dynamodb_relay::config::{self, Config};
use ld_dynamodb_relay::metrics::Metrics;
use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::secrets::Keeper;
use ld_dynamodb_relay::simulator::{
    ANY_PORT, Items, LaunchDarkly, SimulatedEnvironment, Store, StoreOptions,
};
use ld_dynamodb_relay::status::{EnvironmentStatus, Facts, HeldReason, TablePhase};
use ld_dynamodb_relay::supervisor::{self, Change};
use ld_dynamodb_relay::table::{self, Connection, Fixed};
use quiet::Share;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;

pub(crate) const TABLE: &str = "flags";
pub(crate) const KEY: &str = "sdk-00000000-0000-4000-8000-000000000001";
/// Nothing that is waited for takes so long unless it is broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// LaunchDarkly with one environment, and an empty table.
pub(crate) struct World {
    pub(crate) launchdarkly: LaunchDarkly,
    pub(crate) production: SimulatedEnvironment,
    pub(crate) store: Store,
    _share: Share,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::within(Share::some().await).await
    }

    /// While no other test runs.
    pub(crate) async fn alone() -> Self {
        Self::within(Share::all().await).await
    }

    async fn within(share: Share) -> Self {
        log::collect();
        let launchdarkly = LaunchDarkly::start(ANY_PORT).await.unwrap();
        let production = launchdarkly.environment(KEY);
        let store = Store::start(StoreOptions::default()).await.unwrap();
        store.create_table(TABLE).unwrap();
        Self {
            launchdarkly,
            production,
            store,
            _share: share,
        }
    }

    /// With the items of the fixture: every type of value, rule and segment.
    pub(crate) async fn with_fixture() -> Self {
        let world = Self::new().await;
        world
            .production
            .load_put(&fixture("fdv1-put.json"))
            .unwrap();
        world
    }

    /// The settings that `run` would have.
    pub(crate) fn config(&self) -> Config {
        config(&self.launchdarkly.uri(), &self.store.endpoint())
    }

    /// With so many small flags.
    pub(crate) async fn with_flags(count: usize) -> Self {
        let world = Self::new().await;
        world.production.replace(flags(0..count, 1));
        world
    }

    /// Starts the relay.
    pub(crate) async fn relay(&self) -> Relay {
        Relay::start(self.config()).await
    }

    /// Starts the relay with other settings.
    pub(crate) async fn relay_with(&self, change: impl FnOnce(&mut Config)) -> Relay {
        let mut config = self.config();
        change(&mut config);
        Relay::start(config).await
    }

    /// The text that is stored under a key.
    pub(crate) fn stored(&self, namespace: &str, key: &str) -> Option<String> {
        self.store
            .row(TABLE, namespace, key)
            .unwrap()
            .map(|row| row.item().unwrap_or_default().to_owned())
    }

    /// Asserts that the table is what LaunchDarkly says, byte for byte, tombstones and the marker included.
    pub(crate) fn assert_equal(&self) {
        assert_equal(&self.production, &self.store, "");
    }
}

/// Asserts that the rows under `prefix` are what the environment says.
pub(crate) fn assert_equal(environment: &SimulatedEnvironment, store: &Store, prefix: &str) {
    let name = |name: &str| {
        if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}:{name}")
        }
    };
    let items = environment.items();
    let mut live = 0;
    for (key, text) in items.iter() {
        let namespace = name(match key.kind {
            Kind::Flag => "features",
            Kind::Segment => "segments",
        });
        let row = store.row(TABLE, &namespace, &key.key).unwrap();
        let row = row.unwrap_or_else(|| panic!("{key} is missing"));
        if is_deleted(text) {
            assert!(is_deleted(row.item().unwrap()), "{key} is deleted");
        } else {
            live += 1;
            assert_eq!(row.item(), Some(&**text), "{key}");
        }
    }
    let rows = ["features", "segments"]
        .into_iter()
        .flat_map(|it| store.rows(TABLE, &name(it)).unwrap());
    let stored_live = rows
        .filter(|row| !is_deleted(row.item().unwrap_or_default()))
        .count();
    assert_eq!(stored_live, live, "nothing else is live");
    assert!(
        store
            .row(TABLE, &name("$inited"), &name("$inited"))
            .unwrap()
            .is_some(),
        "the marker is there"
    );
}

pub(crate) fn is_deleted(text: &str) -> bool {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    value["deleted"] == true
}

/// The flags `flag-N` at this version.
pub(crate) fn flags(numbers: std::ops::Range<usize>, version: u64) -> Items {
    let named = numbers.map(|number| format!("flag-{number}"));
    named
        .map(|key| {
            let text = flag(&key, version);
            (ItemKey::flag(key), text.into())
        })
        .collect()
}

/// A flag as LaunchDarkly sends it.
pub(crate) fn flag(key: &str, version: u64) -> String {
    flag_with(key, version, "")
}

/// A flag with more members, each beginning with a comma.
pub(crate) fn flag_with(key: &str, version: u64, more: &str) -> String {
    format!(
        r#"{{"key":"{key}","version":{version},"on":true,"prerequisites":[],"targets":[],"contextTargets":[],"rules":[],"fallthrough":{{"variation":0}},"offVariation":0,"variations":["v{version}"],"clientSide":false,"salt":"s","trackEvents":false,"trackEventsFallthrough":false,"debugEventsUntilDate":null,"deleted":false{more}}}"#
    )
}

/// A segment as LaunchDarkly sends it.
pub(crate) fn segment(key: &str, version: u64) -> String {
    format!(
        r#"{{"key":"{key}","version":{version},"included":["a"],"excluded":[],"includedContexts":[],"excludedContexts":[],"salt":"s","rules":[],"unbounded":false,"generation":null,"deleted":false}}"#
    )
}

pub(crate) fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Settings for one environment with the defaults of `run`.
pub(crate) fn config(stream_uri: &str, endpoint: &str) -> Config {
    Config {
        roster: config::RosterSettings::Listed,
        environments: vec![environment("production", KEY, "")],
        upstream: config::Upstream {
            stream_uri: stream_uri.to_owned(),
            base_uri: stream_uri.to_owned(),
            read_timeout: Duration::from_mins(5),
            poll_interval: Duration::from_secs(30),
            max_event_bytes: 128 << 20,
            proxy_url: None,
            ca_certificates: Vec::new(),
        },
        store: config::StoreSettings {
            endpoint: Some(endpoint.to_owned()),
            write_concurrency: 32,
        },
        upkeep: config::Upkeep {
            verify_interval: Duration::from_mins(15),
            marker_check_interval: Duration::from_secs(30),
            repair: true,
        },
        http: config::Http {
            port: 0,
            admin_port: 0,
            tls: None,
            metrics: true,
            metrics_prefix: "ld_dynamodb_".into(),
            admin_token: None,
            webhook: config::WebhookSettings {
                secrets: Vec::new(),
                max_age: Duration::from_mins(5),
            },
        },
        lifecycle: config::Lifecycle {
            init_timeout: Duration::from_secs(10),
            exit_on_error: false,
            exit_always: false,
            ignore_connection_errors: false,
            shutdown_timeout: Duration::from_secs(20),
            disconnected_status_time: Duration::from_mins(1),
        },
        log: config::Log {
            level: LevelFilter::INFO,
            format: None,
        },
    }
}

pub(crate) fn environment(name: &str, key: &str, prefix: &str) -> config::EnvironmentSettings {
    config::EnvironmentSettings {
        name: name.into(),
        sdk_key: key.into(),
        table: TABLE.into(),
        prefix: prefix.into(),
        log_level: None,
        project: None,
        environment_key: None,
        webhook_secrets: Vec::new(),
        environment_id: None,
        mobile_key: None,
        source: config::SourceKind::Stream,
    }
}

/// A running relay. Dropping it is what kill -9 does.
pub(crate) struct Relay {
    pub(crate) statuses: Vec<EnvironmentStatus>,
    pub(crate) metrics: Metrics,
    pub(crate) config: Config,
    pub(crate) connection: Connection,
    pub(crate) changes: mpsc::Sender<Change>,
    stop: CancellationToken,
    task: JoinSet<()>,
}

impl Relay {
    pub(crate) async fn start(config: Config) -> Self {
        Self::start_with(config, None, |_| {}).await
    }
    /// With removals that an operator confirmed, and with environments that are altered before they run.
    pub(crate) async fn start_with(
        config: Config,
        confirmed_removals: Option<usize>,
        alter: impl FnOnce(&mut Vec<ld_dynamodb_relay::environment::Environment>),
    ) -> Self {
        let metrics = Metrics::new(&config.http.metrics_prefix);
        let connection = table::connect(config.store.endpoint.as_deref(), Some(Fixed)).await;
        let mut keeper = Keeper::default();
        let mut environments = supervisor::assemble(
            &config,
            &connection,
            &metrics,
            confirmed_removals,
            &mut keeper,
        )
        .unwrap();
        alter(&mut environments);
        let statuses = environments.iter().map(|it| it.status.clone()).collect();
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        let grace = config.lifecycle.shutdown_timeout;
        let (changes, come) = mpsc::channel(1);
        task.spawn(supervisor::supervise(
            environments,
            come,
            metrics.clone(),
            stop.clone(),
            grace,
        ));
        Self {
            statuses,
            metrics,
            config,
            connection,
            changes,
            stop,
            task,
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        self.statuses[0].facts()
    }

    /// Waits until this holds of the first environment.
    pub(crate) async fn until(&self, what: &str, holds: impl FnMut(&Facts) -> bool) {
        self.until_of(0, what, holds).await;
    }

    /// Waits until this holds of one of the environments.
    pub(crate) async fn until_of(
        &self,
        index: usize,
        what: &str,
        holds: impl FnMut(&Facts) -> bool,
    ) {
        let wait = self.statuses[index].wait_until(holds);
        if timeout(PATIENCE, wait).await.is_err() {
            let facts = self.statuses[index].facts();
            panic!("never came true of the {index}th: {what}; {facts:?}");
        }
    }

    /// Waits until every environment is settled.
    pub(crate) async fn all_settled(&self) {
        for index in 0..self.statuses.len() {
            self.until_of(index, "settled", is_settled).await;
        }
    }

    /// A counter, summed over all series whose labels hold these texts.
    pub(crate) fn count(&self, name: &str, labels: &[&str]) -> u64 {
        let text = self.metrics.render([], None);
        let lines = text.lines().filter(|line| {
            line.starts_with(&format!("ld_dynamodb_{name}{{"))
                && labels.iter().all(|label| line.contains(label))
        });
        lines
            .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
            .sum()
    }

    /// Waits until everything said is stored, and nothing waits to be confirmed.
    pub(crate) async fn settled(&self) {
        self.until("settled", is_settled).await;
    }

    /// Waits until so many writes were applied, and everything is stored.
    pub(crate) async fn written(&self, count: u64) {
        self.until("written", |facts| {
            facts.written >= count && is_settled(facts)
        })
        .await;
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        timeout(PATIENCE, self.task.join_all_in_place())
            .await
            .expect("stops");
    }
}

trait JoinAllInPlace {
    async fn join_all_in_place(&mut self);
}

impl JoinAllInPlace for JoinSet<()> {
    async fn join_all_in_place(&mut self) {
        while self.join_next().await.is_some() {}
    }
}

pub(crate) fn is_settled(facts: &Facts) -> bool {
    facts.table.0 == TablePhase::Settled
        && facts.stored.is_some()
        && facts
            .held
            .values()
            .all(|held| held.reason != HeldReason::Unconfirmed)
}
