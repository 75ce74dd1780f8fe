//! Puts environments together and keeps each of them running, whatever happens to the others.

mod summary;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, interval, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info_span, warn};

use crate::clock;
use crate::config::{Config, EnvironmentSettings, SourceKind, secret_check};
use crate::environment::{Control, Environment, Manner};
use crate::launchdarkly::{Client, Endpoints, Transport};
use crate::metrics::Metrics;
use crate::secrets::{Keeper, Kept};
use crate::status::EnvironmentStatus;
use crate::table::{Connection, Table};

pub use summary::{SUMMARY_INTERVAL, summarize};

/// With so many environments or more, first connections are spread.
const MANY: usize = 10;
/// The first connections of many environments are spread over this time.
const SPREAD: Duration = Duration::from_secs(5);
/// An environment that panicked is made anew after this time, doubling up to [`RESTART_MAX`].
const RESTART: Duration = Duration::from_secs(1);
const RESTART_MAX: Duration = Duration::from_mins(1);
/// Histograms pile samples up until they are sorted.
const UPKEEP: Duration = Duration::from_secs(5);

/// Makes every configured environment, ready to be run; nothing is connected yet.
pub fn assemble(
    config: &Config,
    connection: &Connection,
    metrics: &Metrics,
    confirmed_removals: Option<usize>,
    keeper: &mut Keeper,
) -> anyhow::Result<Vec<Environment>> {
    let mut assembler = Assembler::new(config, connection, metrics, confirmed_removals);
    let delays = delays(config.environments.len());
    let environments = config.environments.iter().zip(delays);
    let mut make = |(environment, first_delay): (&EnvironmentSettings, Duration)| {
        let uri = config.upstream.uri(environment.source);
        let key = keeper.keep(&environment.sdk_key, secret_check::sdk_key(uri));
        assembler.environment(environment, key, first_delay)
    };
    environments.map(&mut make).collect()
}

/// How long the first connection of each of so many environments waits.
pub fn delays(many: usize) -> impl Iterator<Item = Duration> {
    let spread = if many < MANY {
        Duration::ZERO
    } else {
        SPREAD / u32::try_from(many).unwrap_or(u32::MAX)
    };
    (0_u32..).map(move |turn| (spread * turn).mul_f64(0.5 + rand::random::<f64>() / 2.0))
}

/// Makes environments.
pub struct Assembler<'a> {
    config: &'a Config,
    connection: &'a Connection,
    metrics: &'a Metrics,
    confirmed_removals: Option<usize>,
    instance: String,
    /// One for each way of hearing that is wanted: a client takes some memory.
    clients: Vec<Client>,
}

impl<'a> Assembler<'a> {
    /// With what all of them have in common. `confirmed_removals`: so many may be removed without a question.
    pub fn new(
        config: &'a Config,
        connection: &'a Connection,
        metrics: &'a Metrics,
        confirmed_removals: Option<usize>,
    ) -> Self {
        Self {
            config,
            connection,
            metrics,
            confirmed_removals,
            instance: instance(),
            clients: Vec::new(),
        }
    }

    /// Makes this one, ready to be run; nothing is connected yet.
    pub fn environment(
        &mut self,
        settings: &EnvironmentSettings,
        key: Kept,
        first_delay: Duration,
    ) -> anyhow::Result<Environment> {
        let Config {
            upkeep,
            store,
            upstream,
            ..
        } = self.config;
        let transport = match settings.source {
            SourceKind::Stream => Transport::Stream,
            SourceKind::Poll => Transport::Poll(upstream.poll_interval),
        };
        let table = Table::new(self.connection.clone(), &*settings.table, &settings.prefix);
        let manner = Manner {
            concurrency: store.write_concurrency,
            verify_interval: upkeep.verify_interval,
            marker_check_interval: upkeep.marker_check_interval,
            repair: upkeep.repair,
            confirmed_removals: self.confirmed_removals,
            namespace_bytes: table.layout.namespace_bytes(),
            environment_id: settings.environment_id.as_deref().map(Into::into),
        };
        Ok(Environment {
            name: settings.name.clone(),
            key,
            client: self.client(transport)?,
            table,
            manner,
            control: Control::default(),
            status: match transport {
                Transport::Stream => EnvironmentStatus::new(clock::now()),
                Transport::Poll(each) => EnvironmentStatus::polled(each, clock::now()),
            },
            metrics: self.metrics.environment(&settings.name),
            first_delay,
        })
    }

    fn client(&mut self, transport: Transport) -> anyhow::Result<Client> {
        let known = self.clients.iter().find(|it| it.transport() == transport);
        if let Some(known) = known {
            return Ok(known.clone());
        }
        let client = client(self.config, transport, &self.instance)?;
        self.clients.push(client.clone());
        Ok(client)
    }
}

/// The client for LaunchDarkly that all environments share that are heard so.
fn client(config: &Config, transport: Transport, instance: &str) -> anyhow::Result<Client> {
    let upstream = &config.upstream;
    let read = |path: &std::path::PathBuf| {
        std::fs::read(path)
            .with_context(|| format!("PROXY_CA_CERTS: {} cannot be read", path.display()))
    };
    let authorities = upstream
        .ca_certificates
        .iter()
        .map(read)
        .collect::<anyhow::Result<Vec<_>>>()?;
    let endpoints = Endpoints {
        stream_uri: upstream.stream_uri.clone(),
        base_uri: upstream.base_uri.clone(),
        read_timeout: upstream.read_timeout,
        max_event_bytes: upstream.max_event_bytes,
    };
    let client = Client::new(
        endpoints,
        transport,
        upstream.proxy_url.as_ref(),
        &authorities,
        instance,
    )?;
    Ok(client)
}

/// A name of this process for LaunchDarkly's statistics: a random UUID.
fn instance() -> String {
    let mut bits: u128 = rand::random();
    bits = bits & !(0xf << 76) | 0x4 << 76;
    bits = bits & !(0x3 << 62) | 0x2 << 62;
    let hex = format!("{bits:032x}");
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

/// What becomes of an environment while the process runs.
pub enum Change {
    /// It is run from now on. One of its name is ended before, and waited for.
    Run(Box<Environment>),
    /// It ends: begins no more writes and finishes those that it began. Its rows stay.
    End(Arc<str>),
}

/// For environments that neither come nor go.
pub fn no_changes() -> mpsc::Receiver<Change> {
    mpsc::channel(1).1
}

/// Runs them, and those that come, until `stop`, and then waits until each has finished the writes that it began, for
/// `grace` at most.
pub async fn supervise(
    environments: Vec<Environment>,
    mut changes: mpsc::Receiver<Change>,
    metrics: Metrics,
    stop: CancellationToken,
    grace: Duration,
) {
    let mut crew = Crew {
        tasks: JoinSet::new(),
        running: HashMap::new(),
        waiting: HashMap::new(),
        stop: stop.clone(),
    };
    for environment in environments {
        crew.run(environment);
    }
    let mut upkeep = interval(UPKEEP);
    let mut may_change = true;
    while !stop.is_cancelled() {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = crew.tasks.join_next_with_id() => {
                let (id, panicked) = match ended {
                    Ok((id, ())) => (id, false),
                    Err(error) => (error.id(), true),
                };
                if panicked {
                    metrics.panicked();
                }
                crew.ended(id);
            }
            change = changes.recv(), if may_change => match change {
                Some(Change::Run(environment)) => crew.run(*environment),
                Some(Change::End(name)) => {
                    crew.end(&name);
                }
                None => may_change = false,
            },
            _ = upkeep.tick() => metrics.upkeep(),
        }
    }
    let deadline = Instant::now() + grace;
    let tasks = &mut crew.tasks;
    while let Ok(Some(_)) = timeout_at(deadline, tasks.join_next()).await {}
    if !tasks.is_empty() {
        warn!(
            environments = tasks.len(),
            "not every write was finished in time; the next start completes them"
        );
    }
}

/// One task for each environment, and a token that ends it alone.
struct Crew {
    tasks: JoinSet<()>,
    running: HashMap<Id, Running>,
    /// Those of a name whose task has not ended yet: two must not write to one place.
    waiting: HashMap<Arc<str>, Environment>,
    stop: CancellationToken,
}

struct Running {
    environment: Environment,
    panics: u32,
    stop: CancellationToken,
}

impl Crew {
    fn run(&mut self, environment: Environment) {
        if self.end(&environment.name) {
            let name = Arc::clone(&environment.name);
            self.waiting.insert(name, environment);
        } else {
            self.start(environment, Duration::ZERO, 0);
        }
    }

    /// Whether it has not ended yet.
    fn end(&mut self, name: &str) -> bool {
        self.waiting.remove(name);
        let mut running = self.running.values();
        let running = running.find(|it| *it.environment.name == *name);
        if let Some(running) = running {
            running.stop.cancel();
        }
        running.is_some()
    }

    /// A task ended: it was asked to, or it panicked.
    fn ended(&mut self, id: Id) {
        let Some(Running {
            environment,
            panics,
            stop,
        }) = self.running.remove(&id)
        else {
            return;
        };
        if stop.is_cancelled() {
            if let Some(next) = self.waiting.remove(&environment.name) {
                self.start(next, Duration::ZERO, 0);
            }
            return;
        }
        environment.status.restart(clock::now());
        let delay = RESTART.saturating_mul(1 << panics.min(10)).min(RESTART_MAX);
        error!(
            environment = &*environment.name,
            panics = panics + 1,
            retry_in_milliseconds = delay.as_millis(),
            "environment task panicked; restarting it"
        );
        self.start(environment, delay, panics + 1);
    }

    fn start(&mut self, environment: Environment, delay: Duration, panics: u32) {
        let span = info_span!("environment", environment = &*environment.name);
        let stop = self.stop.child_token();
        let (run, stopped) = (environment.clone(), stop.clone());
        let task = async move {
            if !delay.is_zero() {
                tokio::select! {
                    () = stopped.cancelled() => return,
                    () = sleep(delay) => {}
                }
            }
            run.run(stopped).await;
        };
        let id = self.tasks.spawn(task.instrument(span)).id();
        let running = Running {
            environment,
            panics,
            stop,
        };
        self.running.insert(id, running);
    }
}
