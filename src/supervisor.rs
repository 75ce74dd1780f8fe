//! Puts environments together and keeps each of them running, whatever happens to the others.

mod summary;

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, interval, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info_span, warn};

use crate::clock;
use crate::config::{Config, SourceKind, secret_check};
use crate::environment::{Control, Environment, Manner};
use crate::launchdarkly::{Client, Endpoints, Transport};
use crate::metrics::Metrics;
use crate::secrets::Keeper;
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
    let (instance, mut clients) = (instance(), Vec::<Client>::new());
    let many = u32::try_from(config.environments.len()).unwrap_or(u32::MAX);
    let spread = if config.environments.len() < MANY {
        Duration::ZERO
    } else {
        SPREAD / many
    };
    let mut make = |(turn, environment): (u32, &crate::config::EnvironmentSettings)| {
        let transport = match environment.source {
            SourceKind::Stream => Transport::Stream,
            SourceKind::Poll => Transport::Poll(config.upstream.poll_interval),
        };
        // One for each way of hearing that is wanted: a client takes some memory.
        let known = clients.iter().find(|it| it.transport() == transport);
        let client = match known.cloned() {
            Some(client) => client,
            None => client(config, transport, &instance)?,
        };
        if known.is_none() {
            clients.push(client.clone());
        }
        let table = Table::new(connection.clone(), &*environment.table, &environment.prefix);
        let manner = Manner {
            concurrency: config.store.write_concurrency,
            verify_interval: config.upkeep.verify_interval,
            marker_check_interval: config.upkeep.marker_check_interval,
            repair: config.upkeep.repair,
            confirmed_removals,
            namespace_bytes: table.layout.namespace_bytes(),
            environment_id: environment.environment_id.as_deref().map(Into::into),
        };
        anyhow::Ok(Environment {
            name: environment.name.clone(),
            key: keeper.keep(
                &environment.sdk_key,
                secret_check::sdk_key(config.upstream.uri(environment.source)),
            ),
            client,
            table,
            manner,
            control: Control::default(),
            status: match transport {
                Transport::Stream => EnvironmentStatus::new(clock::now()),
                Transport::Poll(each) => EnvironmentStatus::polled(each, clock::now()),
            },
            metrics: metrics.environment(&environment.name),
            first_delay: (spread * turn).mul_f64(0.5 + rand::random::<f64>() / 2.0),
        })
    };
    (0..).zip(&config.environments).map(&mut make).collect()
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

/// Runs them until `stop`, and then waits until each has finished the writes that it began, for `grace` at most.
pub async fn supervise(
    environments: Vec<Environment>,
    metrics: Metrics,
    stop: CancellationToken,
    grace: Duration,
) {
    let mut tasks = JoinSet::new();
    let mut running = HashMap::new();
    for environment in environments {
        start(
            &mut tasks,
            &mut running,
            Duration::ZERO,
            environment,
            0,
            &stop,
        );
    }
    let mut upkeep = interval(UPKEEP);
    while !stop.is_cancelled() {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            ended = tasks.join_next_with_id() => {
                let id = match ended {
                    None => break,
                    Some(Ok((id, ()))) => id,
                    Some(Err(error)) => error.id(),
                };
                if let Some((environment, panics)) = running.remove(&id) {
                    metrics.panicked();
                    environment.status.restart(clock::now());
                    let delay = RESTART.saturating_mul(1 << panics.min(10)).min(RESTART_MAX);
                    error!(
                        environment = &*environment.name,
                        panics = panics + 1,
                        retry_in_milliseconds = delay.as_millis(),
                        "environment task panicked; restarting it"
                    );
                    start(&mut tasks, &mut running, delay, environment, panics + 1, &stop);
                }
            }
            _ = upkeep.tick() => metrics.upkeep(),
        }
    }
    let deadline = Instant::now() + grace;
    while let Ok(Some(_)) = timeout_at(deadline, tasks.join_next()).await {}
    if !tasks.is_empty() {
        warn!(
            environments = tasks.len(),
            "not every write was finished in time; the next start completes them"
        );
    }
}

type Running = HashMap<Id, (Environment, u32)>;

fn start(
    tasks: &mut JoinSet<()>,
    running: &mut Running,
    delay: Duration,
    environment: Environment,
    panics: u32,
    stop: &CancellationToken,
) {
    let span = info_span!("environment", environment = &*environment.name);
    let (run, stop) = (environment.clone(), stop.clone());
    let task = async move {
        if !delay.is_zero() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(delay) => {}
            }
        }
        run.run(stop).await;
    };
    let id = tasks.spawn(task.instrument(span)).id();
    running.insert(id, (environment, panics));
}
