//! The options that are honoured, and their defaults.

use secrecy::SecretString;

use super::options::Treatment::{
    Elsewhere, Kept, KeptOfEnvironment, OfEnvironment, Setting, Shown, While,
};
use super::options::{Opt, Shape, Treatment};
use super::secret_check;
use super::values::{
    base_url, boolean, count, duration_within, launchdarkly_name, level, metrics_prefix, namespace,
    port, prefix, proxy_url, size_within, table_name, table_template,
};
use super::{LogFormat, Secret, SourceKind, TlsVersion};

const TLS: &str = "TLS_ENABLED";
const AWS: &str = "read by the AWS client";
const PROXY: &str = "read by the HTTP clients";

const fn row(
    variable: &'static str,
    toml: &'static str,
    ini: &'static [&'static str],
    shape: Shape,
    default: &'static str,
    treatment: Treatment,
) -> Opt {
    Opt {
        variable,
        toml,
        ini,
        shape,
        default,
        treatment,
    }
}

/// In the order of `relay.example.toml`.
#[rustfmt::skip] // A row a line or two: it is read as a table.
pub(super) const OPTIONS: &[Opt] = &[
    row("LD_ENV_", "environment.sdk_key", &["Environment.sdkKey"], Shape::Secret, "",
        KeptOfEnvironment(|it, s| { it.sdk_key = Some(s); Ok(()) })),
    row("LD_TABLE_NAME_", "environment.table", &["Environment.tableName"], Shape::Text, "",
        OfEnvironment(|it, v| { it.table = Some(table_name(v)?); Ok(()) })),
    row("LD_PREFIX_", "environment.prefix", &["Environment.prefix"], Shape::Text, "",
        OfEnvironment(|it, v| { it.prefix = Some(prefix(v)?); Ok(()) })),
    row("LD_LOG_LEVEL_", "environment.log_level", &["Environment.logLevel"], Shape::Text, "",
        OfEnvironment(|it, v| { it.log_level = Some(level(v)?); Ok(()) })),
    row("LD_PROJ_KEY_", "environment.project", &["Environment.projKey"], Shape::Text, "",
        OfEnvironment(|it, v| { it.project = Some(launchdarkly_name(v)?); Ok(()) })),
    row("LD_ENVIRONMENT_KEY_", "environment.environment_key", &[], Shape::Text, "",
        OfEnvironment(|it, v| { it.environment_key = Some(launchdarkly_name(v)?); Ok(()) })),
    row("LD_CLIENT_SIDE_ID_", "environment.client_side_id", &["Environment.envId"], Shape::Text, "",
        OfEnvironment(|it, v| { it.environment_id = Some(launchdarkly_name(v)?); Ok(()) })),
    row("LD_UPSTREAM_", "environment.upstream", &[], Shape::Text, "",
        OfEnvironment(|it, v| { it.source = Some(source_kind(v)?); Ok(()) })),
    row("WEBHOOK_SECRET_", "environment.webhook_secret", &[], Shape::Secrets, "",
        KeptOfEnvironment(|it, s| add_webhook_secret(&mut it.webhook_secrets, s))),
    row("LD_MOBILE_KEY_", "environment.mobile_key", &["Environment.mobileKey"], Shape::Secret, "",
        Shown(|it, v| { it.mobile_key = Some(SecretString::from(v)); Ok(()) },
            "no effect here but to be shown, masked, on the status: SDKs with a mobile key do not read DynamoDB")),

    row("AUTO_CONFIG_KEY", "auto_config.key", &["AutoConfig.key"], Shape::Secret, "",
        Kept(|it, s| { it.roster.key = Some(s.checked(secret_check::auto_config_key)?); Ok(()) })),
    row("AUTO_CONFIG_CACHE_KEY", "auto_config.cache_key", &["AutoConfig.cacheKey"], Shape::Text, "",
        Setting(|it, v| { it.roster.cache_namespace = Some(namespace(v)?); Ok(()) })),
    row("AUTO_CONFIG_CACHE_ENCRYPTION_KEY", "auto_config.cache_encryption_key", &["AutoConfig.cacheEncryptionKey"], Shape::Secret, "",
        Kept(|it, s| { it.roster.cache_encryption_key = Some(s); Ok(()) })),
    row("FILE_DATA_SOURCE", "archive.file", &["OfflineMode.fileDataSource"], Shape::Text, "",
        Setting(|it, v| { it.roster.archive = Some(v.into()); Ok(()) })),
    row("FILE_DATA_SOURCE_MONITORING_INTERVAL", "archive.monitoring_interval", &["OfflineMode.fileDataSourceMonitoringInterval"], Shape::Text, "1s",
        Setting(|it, v| { it.roster.archive_interval = duration_within(v, "100ms", "24h")?; Ok(()) })),
    row("ENV_DATASTORE_PREFIX", "destination.prefix_template", &["AutoConfig.envDatastorePrefix", "OfflineMode.envDatastorePrefix"], Shape::Text, "",
        Setting(|it, v| { it.roster.prefix = Some(prefix(v)?); Ok(()) })),
    row("ENV_DATASTORE_TABLE_NAME", "destination.table_template", &["AutoConfig.envDatastoreTableName", "OfflineMode.envDatastoreTableName"], Shape::Text, "",
        Setting(|it, v| { it.roster.table = Some(table_template(v)?); Ok(()) })),

    row("STREAM_URI", "launchdarkly.stream_uri", &["Main.streamUri"], Shape::Url, "https://stream.launchdarkly.com",
        Setting(|it, v| { it.upstream.stream_uri = base_url(v)?; Ok(()) })),
    row("BASE_URI", "launchdarkly.base_uri", &["Main.baseUri"], Shape::Url, "https://sdk.launchdarkly.com",
        Setting(|it, v| { it.upstream.base_uri = base_url(v)?; Ok(()) })),
    row("UPSTREAM", "launchdarkly.upstream", &[], Shape::Text, "stream",
        Setting(|it, v| { it.source = source_kind(v)?; Ok(()) })),
    row("POLL_INTERVAL", "launchdarkly.poll_interval", &[], Shape::Text, "30s",
        Setting(|it, v| { it.upstream.poll_interval = duration_within(v, "30s", "1h")?; Ok(()) })),
    row("STREAM_READ_TIMEOUT", "launchdarkly.stream_read_timeout", &[], Shape::Text, "5m",
        Setting(|it, v| { it.upstream.read_timeout = duration_within(v, "10ms", "1h")?; Ok(()) })),
    row("MAX_EVENT_BYTES", "launchdarkly.max_event_bytes", &[], Shape::Text, "128MiB",
        Setting(|it, v| { it.upstream.max_event_bytes = size_within(v, "1KiB", "2GiB")?; Ok(()) })),
    row("PROXY_URL", "launchdarkly.proxy_url", &["Proxy.url"], Shape::Secret, "",
        Setting(|it, v| { proxy_url(v)?; it.upstream.proxy_url = Some(SecretString::from(v)); Ok(()) })),
    row("PROXY_CA_CERTS", "launchdarkly.ca_certificates", &["Proxy.caCertFiles"], Shape::List, "",
        Setting(|it, v| { it.upstream.ca_certificates = items(v).map(Into::into).collect(); Ok(()) })),

    row("USE_DYNAMODB", "", &["DynamoDB.enabled"], Shape::Text, "",
        Setting(|_, v| if boolean(v)? { Ok(()) } else { Err(DYNAMODB_OFF.to_owned()) })),
    row("DYNAMODB_TABLE", "dynamodb.table", &["DynamoDB.tableName"], Shape::Text, "",
        Setting(|it, v| { it.table = Some(table_name(v)?); Ok(()) })),
    row("DYNAMODB_URL", "dynamodb.endpoint", &["DynamoDB.url"], Shape::Url, "",
        Setting(|it, v| { it.store.endpoint = Some(base_url(v)?); Ok(()) })),
    row("WRITE_CONCURRENCY", "dynamodb.write_concurrency", &[], Shape::Text, "32",
        Setting(|it, v| { it.store.write_concurrency = count(v, 1, 1_024)?; Ok(()) })),

    row("VERIFY_INTERVAL", "upkeep.verify_interval", &[], Shape::Text, "15m",
        Setting(|it, v| { it.upkeep.verify_interval = duration_within(v, "100ms", "24h")?; Ok(()) })),
    row("MARKER_CHECK_INTERVAL", "upkeep.marker_check_interval", &[], Shape::Text, "30s",
        Setting(|it, v| { it.upkeep.marker_check_interval = duration_within(v, "100ms", "24h")?; Ok(()) })),
    row("REPAIR", "upkeep.repair", &[], Shape::Text, "true",
        Setting(|it, v| { it.upkeep.repair = boolean(v)?; Ok(()) })),

    row("PORT", "http.port", &["Main.port"], Shape::Text, "8030",
        Setting(|it, v| { it.http.port = port(v)?; Ok(()) })),
    row("PROMETHEUS_PORT", "http.admin_port", &["Prometheus.port"], Shape::Text, "8031",
        Setting(|it, v| { it.http.admin_port = port(v)?; Ok(()) })),
    row("USE_PROMETHEUS", "http.metrics", &["Prometheus.enabled"], Shape::Text, "true",
        Setting(|it, v| { it.http.metrics = boolean(v)?; Ok(()) })),
    row("PROMETHEUS_PREFIX", "http.metrics_prefix", &["Prometheus.prefix"], Shape::Text, "ld_dynamodb",
        Setting(|it, v| { it.http.metrics_prefix = metrics_prefix(v)?; Ok(()) })),
    row("ADMIN_TOKEN", "http.admin_token", &[], Shape::Secret, "",
        Kept(|it, s| { it.http.admin_token = Some(s.checked(secret_check::admin_token)?); Ok(()) })),
    row("WEBHOOK_SECRET", "http.webhook_secret", &[], Shape::Secrets, "",
        Kept(|it, s| add_webhook_secret(&mut it.http.webhook.secrets, s))),
    row("WEBHOOK_MAX_AGE", "http.webhook_max_age", &[], Shape::Text, "5m",
        Setting(|it, v| { it.http.webhook.max_age = duration_within(v, "10s", "24h")?; Ok(()) })),

    row("TLS_ENABLED", "tls.enabled", &["Main.tlsEnabled"], Shape::Text, "false",
        Setting(|it, v| { it.tls.enabled = boolean(v)?; Ok(()) })),
    row("TLS_CERT", "tls.certificate", &["Main.tlsCert"], Shape::Text, "",
        While { switch: TLS, apply: |it, v| { it.tls.certificate = Some(v.into()); Ok(()) } }),
    row("TLS_KEY", "tls.key", &["Main.tlsKey"], Shape::Text, "",
        While { switch: TLS, apply: |it, v| { it.tls.key = Some(v.into()); Ok(()) } }),
    row("TLS_MIN_VERSION", "tls.min_version", &["Main.tlsMinVersion"], Shape::Text, "1.2",
        While { switch: TLS, apply: |it, v| { it.tls.min_version = tls_version(v)?; Ok(()) } }),

    row("INIT_TIMEOUT", "lifecycle.init_timeout", &["Main.initTimeout"], Shape::Text, "10s",
        Setting(|it, v| { it.lifecycle.init_timeout = duration_within(v, "1ms", "24h")?; Ok(()) })),
    row("EXIT_ON_ERROR", "lifecycle.exit_on_error", &["Main.exitOnError"], Shape::Text, "false",
        Setting(|it, v| { it.lifecycle.exit_on_error = boolean(v)?; Ok(()) })),
    row("EXIT_ALWAYS", "lifecycle.exit_always", &["Main.exitAlways"], Shape::Text, "false",
        Setting(|it, v| { it.lifecycle.exit_always = boolean(v)?; Ok(()) })),
    row("IGNORE_CONNECTION_ERRORS", "lifecycle.ignore_connection_errors", &["Main.ignoreConnectionErrors"], Shape::Text, "false",
        Setting(|it, v| { it.lifecycle.ignore_connection_errors = boolean(v)?; Ok(()) })),
    row("GRACEFUL_SHUTDOWN_TIMEOUT", "lifecycle.shutdown_timeout", &["Main.gracefulShutdownTimeout"], Shape::Text, "20s",
        Setting(|it, v| { it.lifecycle.shutdown_timeout = duration_within(v, "0", "1h")?; Ok(()) })),
    row("DISCONNECTED_STATUS_TIME", "lifecycle.disconnected_status_time", &["Main.disconnectedStatusTime"], Shape::Text, "1m",
        Setting(|it, v| { it.lifecycle.disconnected_status_time = duration_within(v, "0", "24h")?; Ok(()) })),

    row("LOG_LEVEL", "log.level", &["Main.logLevel"], Shape::Text, "info",
        Setting(|it, v| { it.log.level = level(v)?; Ok(()) })),
    row("LOG_FORMAT", "log.format", &["Main.logFormat"], Shape::Text, "",
        Setting(|it, v| { it.log.format = Some(log_format(v)?); Ok(()) })),

    Opt::foreign("HTTP_PROXY", &[], Elsewhere(PROXY)),
    Opt::foreign("HTTPS_PROXY", &[], Elsewhere(PROXY)),
    Opt::foreign("NO_PROXY", &[], Elsewhere(PROXY)),
    Opt::foreign("http_proxy", &[], Elsewhere(PROXY)),
    Opt::foreign("https_proxy", &[], Elsewhere(PROXY)),
    Opt::foreign("no_proxy", &[], Elsewhere(PROXY)),
    Opt::foreign("AWS_", &[], Elsewhere(AWS)),
];

const DYNAMODB_OFF: &str =
    "switches DynamoDB off, and there is no other database to write to; leave it out";

/// The items of a list, which commas separate.
pub(super) fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|it| !it.is_empty())
}

/// Two hold while one is replaced by the other.
fn add_webhook_secret(secrets: &mut Vec<Secret>, secret: Secret) -> Result<(), String> {
    if secrets.len() == secret_check::MAX_WEBHOOK_SECRETS {
        return Err(secret_check::TOO_MANY_WEBHOOK_SECRETS.to_owned());
    }
    secrets.push(secret.checked(secret_check::webhook_secret)?);
    Ok(())
}

fn source_kind(text: &str) -> Result<SourceKind, String> {
    match text.to_ascii_lowercase().as_str() {
        "stream" => Ok(SourceKind::Stream),
        "poll" => Ok(SourceKind::Poll),
        _ => Err("is no way to hear LaunchDarkly; take `stream` or `poll`".to_owned()),
    }
}

/// The Relay Proxy takes these four; below 1.2 there is nothing that we could speak.
fn tls_version(text: &str) -> Result<TlsVersion, String> {
    match text {
        "1.0" | "1.1" | "1.2" => Ok(TlsVersion::Tls12),
        "1.3" => Ok(TlsVersion::Tls13),
        _ => Err("is no version of TLS; take `1.2` or `1.3`".to_owned()),
    }
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text.to_ascii_lowercase().as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("is no log format; take `text` or `json`".to_owned()),
    }
}
