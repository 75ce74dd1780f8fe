//! Puts environments together from what all have in common and what each has of its own.

use std::time::Duration;

use anyhow::Context;

use crate::clock;
use crate::config::{Config, EnvironmentSettings, SourceKind, secret_check};
use crate::environment::{Control, Environment, EnvironmentSource, Manner};
use crate::launchdarkly::{Client, Endpoints, Transport};
use crate::metrics::Metrics;
use crate::secrets::{Keeper, Kept};
use crate::status::EnvironmentStatus;
use crate::table::{Connection, Table};

/// With so many environments or more, first connections are spread.
const MANY: usize = 10;
/// The first connections of many environments are spread over this time.
const SPREAD: Duration = Duration::from_secs(5);

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
        let source = self.launchdarkly(settings.source)?;
        Ok(self.environment_from(source, settings, key, first_delay))
    }

    /// The same from this source, whatever the settings say.
    pub(super) fn environment_from(
        &self,
        source: EnvironmentSource,
        settings: &EnvironmentSettings,
        key: Kept,
        first_delay: Duration,
    ) -> Environment {
        let Config { upkeep, store, .. } = self.config;
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
        Environment {
            name: settings.name.clone(),
            launchdarkly_id: None,
            key,
            table,
            manner,
            control: Control::default(),
            status: match source.transport() {
                Transport::Stream => EnvironmentStatus::new(clock::now()),
                Transport::Poll(each) => EnvironmentStatus::polled(each, clock::now()),
            },
            source,
            metrics: self.metrics.environment(&settings.name),
            first_delay,
        }
    }

    /// LaunchDarkly, heard so.
    pub(super) fn launchdarkly(&mut self, source: SourceKind) -> anyhow::Result<EnvironmentSource> {
        let transport = match source {
            SourceKind::Stream => Transport::Stream,
            SourceKind::Poll => Transport::Poll(self.config.upstream.poll_interval),
        };
        Ok(EnvironmentSource::LaunchDarkly(self.client(transport)?))
    }

    /// Where the tables are, if not at AWS.
    pub(super) fn endpoint(&self) -> Option<&str> {
        self.connection.endpoint.as_deref()
    }

    /// The client that hears so.
    pub fn client(&mut self, transport: Transport) -> anyhow::Result<Client> {
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
