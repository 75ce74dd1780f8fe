//! `run`: the daemon.

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::environments::{AutoConfigured, archived};
use crate::archive::ArchiveWatch;
use crate::clock;
use crate::config::{Config, Lifecycle, RosterSettings, Secret, secret_check};
use crate::environment::Environment;
use crate::http::{self, App, Tls, Webhook, WorkPort};
use crate::logging::LogLevels;
use crate::metrics::Metrics;
use crate::registry::{EnvironmentInfo, EnvironmentRegistry, RegisteredEnvironment, RosterOrders};
use crate::secrets::{Keeper, Kept};
use crate::status::RosterStatus;
use crate::supervisor::{
    ArchiveRunner, Assembler, Change, RosterEnd, RosterRunner, SUMMARY_INTERVAL, assemble,
    summarize, supervise,
};
use crate::table::Connection;

/// Changes of who runs that wait to be carried out.
const CHANGES: usize = 64;

/// How the daemon ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was asked to stop.
    Stopped,
    /// Not every environment was initialised in time, and the settings say to exit then.
    NotInitialized,
    /// The same, where there is no archive that could be read.
    NoArchive,
}

/// The two ports, bound before anything is connected.
pub struct Ports {
    work: WorkPort,
    admin: TcpListener,
}

impl Ports {
    /// Reads the certificate, if there is to be one, and binds them on every address of this machine.
    pub async fn bind(config: &Config) -> Result<Self> {
        let tls = match &config.http.tls {
            Some(settings) => Some(Tls::load(settings).await?),
            None => None,
        };
        let work = WorkPort::new(bind("PORT", config.http.port).await?, tls);
        let admin = bind("PROMETHEUS_PORT", config.http.admin_port).await?;
        Ok(Self { work, admin })
    }

    /// Where they are: the work port and the admin port.
    pub fn addresses(&self) -> Result<(SocketAddr, SocketAddr)> {
        Ok((self.work.local_addr()?, self.admin.local_addr()?))
    }
}

async fn bind(setting: &str, port: u16) -> Result<TcpListener> {
    let both = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await;
    let bound = match both {
        Ok(listener) => Ok(listener),
        // A machine without IPv6.
        Err(_) => TcpListener::bind(("0.0.0.0", port)).await,
    };
    bound.with_context(|| {
        format!("{setting}: port {port} cannot be listened on; is another relay running?")
    })
}

/// Runs every environment until a signal, or until `stop`.
pub async fn run(
    config: &Config,
    ports: Ports,
    connection: Connection,
    levels: LogLevels,
    stop: CancellationToken,
) -> Result<End> {
    let metrics = Metrics::new(&config.http.metrics_prefix);
    let mut keeper = Keeper::default();
    let environments = assemble(config, &connection, &metrics, None, &mut keeper)?;
    let mut app = app(
        config,
        &connection,
        &environments,
        &metrics,
        levels,
        &stop,
        &mut keeper,
    );
    let (work, admin) = ports.addresses()?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        environments = environments.len(),
        port = work.port(),
        admin_port = admin.port(),
        "started"
    );
    say_whether_the_webhook_is_on(&app);
    let runner = runner(config, &connection, &metrics, &mut app, &mut keeper)?;
    let (registry, roster) = (app.environments.clone(), app.roster.clone());
    let (teller, changes) = mpsc::channel(CHANGES);
    let summaries = summaries(config, &registry, &roster);
    let grace = config.lifecycle.shutdown_timeout;
    let served = CancellationToken::new();
    let work = async {
        let environments = async {
            supervise(environments, changes, metrics.clone(), stop.clone(), grace).await;
            served.cancel();
        };
        tokio::join!(
            environments,
            // Reads what is not known yet first. Nobody waits for it but whoever needs it.
            keeper.run(served.clone()),
            http::serve(ports.work, ports.admin, app, served.clone())
        );
    };
    let late = async {
        stop.cancelled().await;
        sleep(grace).await;
    };
    let mut end = Ok(End::Stopped);
    let watch = async {
        let follow = follow(runner, teller, config, &stop);
        let waited = async {
            match too_late(config, &registry, &roster).await {
                Some(end) => Ok(end),
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            ended = follow => ended,
            ended = waited => ended,
        };
        if !matches!(ended, Ok(End::Stopped)) {
            stop.cancel();
        }
        end = ended;
        std::future::pending::<()>().await;
    };
    let stop_on_signals = stop_on_signals(&stop)?;
    tokio::select! {
        () = work => {}
        () = late => error!("not everything was finished in time"),
        () = watch => {}
        () = summaries => {}
        () = stop_on_signals => {}
    }
    info!("stopped");
    end
}

/// Who follows a roster.
enum AnyRunner<'a> {
    AutoConfig(Box<RosterRunner<'a>>),
    Archive(Box<(ArchiveWatch, ArchiveRunner<'a>)>),
}

fn runner<'a>(
    config: &'a Config,
    connection: &'a Connection,
    metrics: &'a Metrics,
    app: &mut App,
    keeper: &mut Keeper,
) -> Result<Option<AnyRunner<'a>>> {
    let assembler = Assembler::new(config, connection, metrics, None);
    let settings = match &config.roster {
        RosterSettings::Listed => return Ok(None),
        RosterSettings::AutoConfig(settings) => settings,
        RosterSettings::Archive(settings) => {
            app.roster = RosterStatus::archived();
            let (registry, status) = (app.environments.clone(), app.roster.clone());
            let both = archived(settings, assembler, registry, status)?;
            return Ok(Some(AnyRunner::Archive(Box::new(both))));
        }
    };
    app.roster = RosterStatus::auto_configured(clock::now());
    let followed = AutoConfigured {
        settings,
        connection,
        status: &app.roster,
        registry: &app.environments,
        orders: &app.roster_orders,
    };
    let runner = followed.runner(assembler, keeper)?;
    Ok(Some(AnyRunner::AutoConfig(Box::new(runner))))
}

/// Follows it until we are asked to stop, or there is no sense in going on.
async fn follow(
    runner: Option<AnyRunner<'_>>,
    changed: mpsc::Sender<Change>,
    config: &Config,
    stop: &CancellationToken,
) -> Result<End> {
    let runner = match runner {
        None => return std::future::pending().await,
        Some(AnyRunner::AutoConfig(runner)) => runner,
        Some(AnyRunner::Archive(both)) => {
            let (watch, runner) = *both;
            tokio::select! {
                () = watch.run(stop.clone()) => {}
                () = runner.run(changed) => {}
            }
            return Ok(End::Stopped);
        }
    };
    let Lifecycle {
        init_timeout,
        exit_on_error,
        ignore_connection_errors,
        ..
    } = config.lifecycle;
    let exits = exit_on_error && !ignore_connection_errors;
    let ended = runner.run(changed, init_timeout, exits, stop).await?;
    Ok(match ended {
        RosterEnd::Stopped => End::Stopped,
        RosterEnd::Rejected => {
            error!("exiting: LaunchDarkly rejects AUTO_CONFIG_KEY, and no environment is known");
            End::NotInitialized
        }
    })
}

fn app(
    config: &Config,
    connection: &Connection,
    environments: &[Environment],
    metrics: &Metrics,
    log_levels: LogLevels,
    stop: &CancellationToken,
    keeper: &mut Keeper,
) -> App {
    let mut keep = |secrets: &[Secret], check| -> Vec<Kept> {
        secrets.iter().map(|it| keeper.keep(it, check)).collect()
    };
    let endpoint = connection.endpoint.as_deref();
    let registered = config.environments.iter().zip(environments);
    let registered = registered.map(|(settings, environment)| {
        let info = EnvironmentInfo::new(settings, environment.key.clone(), endpoint);
        let secrets = keep(&settings.webhook_secrets, secret_check::webhook_secret);
        RegisteredEnvironment::of(environment, info, secrets)
    });
    let http = &config.http;
    App {
        environments: registered.collect(),
        roster: RosterStatus::configured(),
        roster_orders: RosterOrders::default(),
        log_levels,
        webhook: Arc::new(Webhook::new(
            keep(&http.webhook.secrets, secret_check::webhook_secret),
            http.webhook.max_age,
        )),
        admin_token: keep(http.admin_token.as_slice(), secret_check::admin_token).pop(),
        metrics: metrics.clone(),
        metrics_enabled: http.metrics,
        read_timeout: config.upstream.read_timeout,
        disconnected_status_time: config.lifecycle.disconnected_status_time,
        was_ready: Arc::default(),
        stopping: stop.clone(),
        clock: clock::now,
    }
}

/// The line a minute that tells how they fare, until we are asked to stop.
async fn summaries(config: &Config, registry: &EnvironmentRegistry, roster: &RosterStatus) {
    let tolerated = config.lifecycle.disconnected_status_time;
    let read_timeout = config.upstream.read_timeout;
    summarize(registry, roster, read_timeout, tolerated, SUMMARY_INTERVAL).await;
}

fn say_whether_the_webhook_is_on(app: &App) {
    if app.webhook_is_on() {
        info!("the webhook is on");
    } else {
        info!(
            "the webhook is off: to have it on, set WEBHOOK_SECRET to the secret of a webhook at LaunchDarkly that \
             posts to /webhook"
        );
    }
}

/// The first signal stops in order, the second one at once.
pub(super) fn stop_on_signals(stop: &CancellationToken) -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be handled")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be handled")?;
    Ok(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        let name = next().await;
        info!(
            signal = name,
            "stopping: finishing the writes that were begun"
        );
        stop.cancel();
        next().await;
        error!("a second signal: exiting at once");
    })
}

/// Waits until every environment is initialised. The end, if that took too long and is a reason to exit.
async fn too_late(
    config: &Config,
    registry: &EnvironmentRegistry,
    roster: &RosterStatus,
) -> Option<End> {
    let lifecycle = config.lifecycle;
    let initialized = async {
        roster.wait_until(|facts| facts.known).await;
        all_initialized(registry).await;
    };
    if timeout(lifecycle.init_timeout, initialized).await.is_ok() {
        return None;
    }
    let exits = lifecycle.exit_on_error && !lifecycle.ignore_connection_errors;
    let facts = roster.facts();
    if !facts.known && registry.now().is_empty() {
        // LaunchDarkly will say it, unless it rejects the key: whoever follows the roster ends then.
        let exits = exits && facts.archive.is_some();
        let archive = facts.archive.and_then(|it| it.last_error);
        let detail = facts.trouble.or(archive.map(|(why, _)| why));
        let detail = detail.unwrap_or_else(|| "nothing has been said yet".into());
        error!(
            detail,
            exits,
            milliseconds = lifecycle.init_timeout.as_millis(),
            "it is not known within INIT_TIMEOUT which environments there are"
        );
        return exits.then_some(End::NoArchive);
    }
    for environment in &*registry.now() {
        let facts = environment.status.facts();
        if facts.initialized {
            continue;
        }
        let detail = facts
            .table_advice
            .or(facts.last_error.map(|error| error.message));
        let detail = detail.unwrap_or_else(|| "the first write is under way".into());
        error!(
            environment = &*environment.info.name,
            detail,
            exits,
            milliseconds = lifecycle.init_timeout.as_millis(),
            "not initialised within INIT_TIMEOUT"
        );
    }
    exits.then_some(End::NotInitialized)
}

async fn all_initialized(registry: &EnvironmentRegistry) {
    for environment in &*registry.now() {
        environment
            .status
            .wait_until(|facts| facts.initialized)
            .await;
    }
}
