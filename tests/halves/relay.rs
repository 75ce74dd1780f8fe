//! An environment that runs, and a world for it.

use std::ops::Range;
use std::time::Duration;

use ld_dynamodb_relay::clock;
use ld_dynamodb_relay::environment::{Control, Environment, EnvironmentSource, Manner, Source};
use ld_dynamodb_relay::launchdarkly::{Client, Endpoints, Transport};
use ld_dynamodb_relay::metrics::Metrics;
use ld_dynamodb_relay::secrets::{Giver, Kept};
use ld_dynamodb_relay::status::{EnvironmentStatus, Facts, HeldReason, TablePhase, health};
use ld_dynamodb_relay::table::{Fixed, connect};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::launchdarkly::{LaunchDarkly, until};
use crate::table::Table;

/// Nobody is there; nothing goes there either.
const NOWHERE: &str = "http://127.0.0.1:9";
/// Nothing that is waited for takes so long unless it is broken.
const PATIENCE: Duration = Duration::from_hours(2);
/// Of the connection to LaunchDarkly, for the status.
const READ_TIMEOUT: Duration = Duration::from_mins(5);

/// What the jitter may make of a wait. A timer may be a little late.
pub(crate) fn jittered(whole: Duration) -> Range<Duration> {
    whole / 2..whole + Duration::from_millis(3)
}

/// A running environment. Dropping it is what kill -9 does.
pub(crate) struct Relay {
    pub(crate) control: Control,
    pub(crate) key: Giver,
    status: EnvironmentStatus,
    metrics: Metrics,
    stop: CancellationToken,
    task: JoinSet<()>,
}

/// Nobody hears anything with it.
fn client() -> Client {
    let endpoints = Endpoints {
        stream_uri: NOWHERE.into(),
        base_uri: NOWHERE.into(),
        read_timeout: READ_TIMEOUT,
        max_event_bytes: 1 << 20,
    };
    Client::new(endpoints, Transport::Stream, None, &[], "test").unwrap()
}

impl Relay {
    pub(crate) async fn start(source: &(impl Source + Clone + 'static), table: &Table) -> Self {
        let metrics = Metrics::new("");
        let (giver, key) = Kept::cell();
        giver.give("sdk-first".into());
        let connection = connect(Some(NOWHERE), Some(Fixed)).await;
        let dynamodb = ld_dynamodb_relay::table::Table::new(connection, "flags", "");
        let environment = Environment {
            name: "production".into(),
            key,
            launchdarkly_id: None,
            source: EnvironmentSource::LaunchDarkly(client()),
            manner: Manner {
                concurrency: 32,
                verify_interval: Duration::from_mins(15),
                marker_check_interval: Duration::from_secs(30),
                repair: true,
                confirmed_removals: None,
                namespace_bytes: dynamodb.layout.namespace_bytes(),
                environment_id: None,
            },
            table: dynamodb,
            control: Control::default(),
            status: EnvironmentStatus::new(clock::now()),
            metrics: metrics.environment("production"),
            first_delay: Duration::ZERO,
        };
        let (control, status) = (environment.control.clone(), environment.status.clone());
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        let (source, table, stopped) = (source.clone(), table.clone(), stop.clone());
        task.spawn(async move {
            environment.run_between(&source, &table, &stopped).await;
        });
        Self {
            control,
            key: giver,
            status,
            metrics,
            stop,
            task,
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        self.status.facts()
    }

    pub(crate) fn is_up_to_date(&self) -> bool {
        let tolerated = Duration::from_mins(1);
        health(&self.facts(), Instant::now(), READ_TIMEOUT, tolerated).up_to_date
    }

    /// Waits until this holds.
    pub(crate) async fn until(&self, what: &str, holds: impl FnMut(&Facts) -> bool) {
        let wait = self.status.wait_until(holds);
        let came = timeout(PATIENCE, wait).await.is_ok();
        assert!(came, "never came true: {what}; {:?}", self.facts());
    }

    /// Waits until everything that was said is stored, and nothing waits to be confirmed.
    pub(crate) async fn settled(&self) {
        self.until("settled", |facts| {
            let mut held = facts.held.values();
            facts.table.0 == TablePhase::Settled
                && facts.said_everything
                && facts.stored_up_to >= facts.said.0
                && held.all(|held| held.reason != HeldReason::Unconfirmed)
        })
        .await;
    }

    /// A counter, summed over all series whose labels hold this text.
    pub(crate) fn metric(&self, name: &str, label: &str) -> u64 {
        let text = self.metrics.render([], None);
        let start = format!("{name}{{");
        let lines = text
            .lines()
            .filter(|line| line.starts_with(&start) && line.contains(label));
        lines
            .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
            .sum()
    }

    /// Asks it to stop and waits until it has: how long that took.
    pub(crate) async fn stop(mut self) -> Duration {
        let asked = Instant::now();
        self.stop.cancel();
        let ended = timeout(PATIENCE, self.task.join_next()).await;
        ended.unwrap().unwrap().unwrap();
        asked.elapsed()
    }
}

/// LaunchDarkly, a table, and an environment between them that has everything stored.
pub(crate) struct World {
    pub(crate) launchdarkly: LaunchDarkly,
    pub(crate) table: Table,
    pub(crate) relay: Relay,
    /// Times in a test are since then.
    pub(crate) start: Instant,
}

impl World {
    pub(crate) async fn with_flags(count: usize) -> Self {
        let (launchdarkly, table) = (LaunchDarkly::with_flags(count), Table::new());
        let relay = Relay::start(&launchdarkly, &table).await;
        relay.settled().await;
        // What came with the marker is over, too.
        let start = Instant::now() + Duration::from_mins(2);
        until(start).await;
        table.assert_holds(&launchdarkly.truth());
        table.forget();
        Self {
            launchdarkly,
            table,
            relay,
            start,
        }
    }

    /// Lets time go on until so long after the start.
    pub(crate) async fn at(&self, after: Duration) {
        until(self.start + after).await;
    }

    /// Asserts that everything is as LaunchDarkly has it, and that the status says so.
    #[track_caller]
    pub(crate) fn assert_equal(&self) {
        self.table.assert_holds(&self.launchdarkly.truth());
        assert!(self.relay.is_up_to_date(), "{:?}", self.relay.facts());
    }
}
