//! Every metric, declared once. Series are bound to their labels when an environment starts, so all are at zero from
//! then on; they leave with it. What follows from an environment's status is computed when somebody asks, and cannot grow stale.

mod derived;
mod family;
mod merge;
mod process;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use metrics::{Counter, Gauge, Histogram, Label as Pair};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

pub use derived::KnownEnvironment;
pub use family::{By, Family, Labels};

use family::{Registry, families};

use crate::listener::{Action, Ignored, SessionEnd, WakeResult};
use crate::model::{DriftType, Kind, ReopenCause};
use crate::status::RosterFacts;
use crate::table::{ErrorClass, Op, WriteOutcome};
use crate::webhook::WebhookResult;
use crate::writer::{PropagationStart, Purpose};

/// Seconds: from a millisecond, where a write in one's own region begins, to the longest backoff.
const BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// Seconds: a verify goes slowly on purpose.
const VERIFY_BUCKETS: [f64; 10] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 180.0, 600.0];

families! {
    /// What one environment counts.
    pub struct Series {
        /// Connections to LaunchDarkly that are open now; two for a moment while one takes over from the other.
        "stream_connected" => stream_connected: Gauge,
        /// Sessions that ended, by how.
        "sessions_total" => sessions: By<SessionEnd, Counter>,
        /// Times that everything was asked for again, by why.
        "reopens_total" => reopens: By<ReopenCause, Counter>,
        /// Wakes by a webhook, by what became of them.
        "webhook_wakes_total" => wakes: By<WakeResult, Counter>,
        /// Items that LaunchDarkly said are different, by what said so.
        "changes_total" => changes: By<(Kind, Action), Counter>,
        /// Changes that were left aside, by why.
        "changes_ignored_total" => changes_ignored: By<Ignored, Counter>,
        /// Items stored at a lower version than the row had, once that was said twice: an environment was restored.
        "versions_lowered_total" => versions_lowered: Counter,
        /// Writes by how they ended.
        "writes_total" => writes: By<WriteOutcome, Counter>,
        /// Seconds until a write was acknowledged, from its event's last byte received or from its webhook's date.
        "propagation_seconds" => propagation: By<PropagationStart, Histogram>,
        /// Seconds that a write request took.
        "write_seconds" => write_seconds: Histogram,
        /// Requests to DynamoDB that failed, by what kind of failure.
        "write_errors_total" => write_errors: By<ErrorClass, Counter>,
        /// Requests that DynamoDB refused because the table or the partition takes no more.
        "throttled_total" => throttled: Counter,
        /// Write units a second that are sent to this kind's partition; 0 while nothing was refused and there is no limit.
        "pace_units_per_second" => pace: By<Kind, Gauge>,
        /// DynamoDB's units spent, rounded up to whole units: as its answers say, or as it bills a write whose condition failed.
        "capacity_units_total" => capacity: By<(Op, Purpose), Counter>,
        /// Rows found to differ from what was last known of them though nobody announced it.
        "drift_total" => drift: By<DriftType, Counter>,
        /// Drifted rows that were written again.
        "repairs_total" => repairs: By<DriftType, Counter>,
        /// Seconds that reading the whole table again took.
        "verify_seconds" => verify_seconds: Histogram,
    }
}

families! {
    /// What the process counts.
    pub struct ProcessSeries {
        /// Requests to the webhook, by what became of them.
        "webhooks_total" => webhooks: By<WebhookResult, Counter>,
        /// Panics that ended an environment's task, which was restarted.
        "panics_total" => panics: Counter,
    }
}

families! {
    /// What never changes.
    struct Build {
        /// Always 1; the label says which version runs.
        "build_info" => info: Gauge,
    }
}

/// The registry. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<MetricsState>);

struct MetricsState {
    registry: Registry,
    prefix: String,
    process: ProcessSeries,
    /// By name. Those of an environment that is gone are no longer there.
    environments: Mutex<BTreeMap<String, Weak<EnvironmentSeries>>>,
}

struct EnvironmentSeries {
    series: Series,
    registry: Registry,
}

/// What one environment counts, for as long as anybody has this. Cheap to clone.
#[derive(Clone)]
pub struct EnvironmentMetrics(Arc<EnvironmentSeries>);

impl Metrics {
    /// With every name beginning with `prefix`.
    pub fn new(prefix: &str) -> Self {
        let registry = registry(prefix);
        let version = Pair::from_static_parts("version", env!("CARGO_PKG_VERSION"));
        Build::bind(&registry, &[version]).info.set(1.0);
        Self(Arc::new(MetricsState {
            process: ProcessSeries::bind(&registry, &[]),
            prefix: prefix.to_owned(),
            registry,
            environments: Mutex::default(),
        }))
    }

    /// The series of this environment, all there while somebody has them. Asked again meanwhile, they go on counting.
    pub fn environment(&self, name: &str) -> EnvironmentMetrics {
        let mut environments = self.environments();
        if let Some(there) = environments.get(name).and_then(Weak::upgrade) {
            return EnvironmentMetrics(there);
        }
        let registry = registry(&self.0.prefix);
        let label = Pair::new("environment", name.to_owned());
        let series = Series::bind(&registry, &[label]);
        let new = Arc::new(EnvironmentSeries { series, registry });
        environments.insert(name.to_owned(), Arc::downgrade(&new));
        EnvironmentMetrics(new)
    }

    /// Those that there are, and forgets the others.
    fn there(&self) -> Vec<Arc<EnvironmentSeries>> {
        let mut there = Vec::new();
        self.environments().retain(|_, series| {
            let series = series.upgrade();
            there.extend(series.clone());
            series.is_some()
        });
        there
    }

    fn environments(&self) -> MutexGuard<'_, BTreeMap<String, Weak<EnvironmentSeries>>> {
        let environments = self.0.environments.lock();
        environments.unwrap_or_else(PoisonError::into_inner)
    }

    /// A request to the webhook was answered.
    pub fn webhook(&self, result: WebhookResult) {
        self.0.process.webhooks.of(result).increment(1);
    }

    /// A task of an environment panicked.
    pub fn panicked(&self) {
        self.0.process.panics.increment(1);
    }

    /// Sorts samples into their buckets: they pile up until then. Somebody has to call this every few seconds.
    pub fn upkeep(&self) {
        self.0.registry.handle().run_upkeep();
        for environment in self.there() {
            environment.registry.handle().run_upkeep();
        }
    }

    /// Everything, as Prometheus reads it. `known` is what is known of the environments that there are now, `roster` of where
    /// they come from, if that is told.
    pub fn render<'a>(
        &self,
        known: impl IntoIterator<Item = KnownEnvironment<'a>>,
        roster: Option<&RosterFacts>,
    ) -> String {
        let mut texts = vec![
            self.0.registry.handle().render(),
            derived::render(&self.0.prefix, known, roster),
            process::render(),
        ];
        let environments = self.there();
        texts.extend(environments.iter().map(|it| it.registry.handle().render()));
        merge::merge(&texts)
    }

    /// Every metric that there can be, with the prefix where it has one, and whether it carries `environment`.
    pub fn families(prefix: &str) -> Vec<(String, Family, bool)> {
        let ours = |families: &'static [Family], environment| {
            families
                .iter()
                .map(move |family| (format!("{prefix}{}", family.name), *family, environment))
        };
        let process = process::FAMILIES
            .iter()
            .map(|family| (family.name.to_owned(), *family, false));
        ours(derived::FAMILIES, true)
            .chain(ours(Series::FAMILIES, true))
            .chain(ours(ProcessSeries::FAMILIES, false))
            .chain(ours(derived::ROSTER_FAMILIES, false))
            .chain(
                ours(Build::FAMILIES, false).map(|(name, mut family, environment)| {
                    family.labels = &["version"];
                    (name, family, environment)
                }),
            )
            .chain(process)
            .collect()
    }
}

impl Deref for EnvironmentMetrics {
    type Target = Series;

    fn deref(&self) -> &Series {
        &self.0.series
    }
}

impl EnvironmentMetrics {
    /// Counts the units that one request cost, as DynamoDB says or bills them. Half units, which weak reads cost, count as whole.
    pub fn spent(&self, op: Op, purpose: Purpose, units: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast from a float saturates, and there are no negative units"
        )]
        let units = units.ceil() as u64;
        self.capacity.of((op, purpose)).increment(units);
    }

    /// Counts a connection as open for as long as the guard lives, also if its owner panics.
    pub fn connected(&self) -> ConnectionGuard {
        self.stream_connected.increment(1.0);
        ConnectionGuard(self.stream_connected.clone())
    }
}

/// An open connection to LaunchDarkly.
#[must_use = "the connection counts as closed when this is dropped"]
pub struct ConnectionGuard(Gauge);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

fn registry(prefix: &str) -> Registry {
    let verify = Matcher::Full(format!("{prefix}verify_seconds"));
    // Only an empty list of buckets is an error; then there would be summaries, and a test would see it.
    let builder = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)
        .and_then(|builder| builder.set_buckets_for_metric(verify, &VERIFY_BUCKETS))
        .unwrap_or_default();
    Registry::new(builder.build_recorder(), prefix)
}
