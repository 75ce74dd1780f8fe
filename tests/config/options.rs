//! Every option of the Relay Proxy is honoured, accepted with one warning, or refused with a sentence: as a variable and
//! in its file.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use ld_dynamodb_relay::config::{
    Config, Effect, EnvironmentSettings as Environment, Loaded, LogFormat, Secret, SourceKind,
    TlsVersion,
};
use secrecy::ExposeSecret;
use tracing::level_filters::LevelFilter;

use crate::certificates::Authority;
use crate::settings::{load_from, problems};

/// What is to become of an option.
enum Expected {
    /// It arrives.
    Honoured(fn(&Config) -> bool),
    /// It arrives, and is warned about.
    Shown(fn(&Config) -> bool),
    /// A library reads it.
    Elsewhere,
    /// One warning.
    Accepted,
    /// One warning: what it belongs to is not switched on.
    Idle,
    /// One problem with this in it.
    Refused(&'static str),
    /// The same, because of what else is given.
    Contradicts(&'static str),
}
use Expected::{Accepted, Contradicts, Elsewhere, Honoured, Idle, Refused, Shown};

/// A variable, its value, its place in the Relay Proxy's file (`Section key`, if it has one) and what is to become of it.
type Row = (&'static str, &'static str, &'static str, Expected);

fn first(config: &Config) -> &Environment {
    &config.environments[0]
}

/// Each by itself, or where it is kept while it is not known.
fn told(secrets: &[Secret]) -> Vec<String> {
    let each = secrets.iter().map(|it| match (&it.value, &it.reference) {
        (Some(value), _) => value.expose_secret().to_owned(),
        (None, Some(reference)) => reference.to_string(),
        (None, None) => String::new(),
    });
    each.collect()
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[rustfmt::skip] // In the order of the Relay Proxy's own documentation: it is read as a table.
const ROWS: &[Row] = &[
    ("LD_ENV_x", "sdk-another", "Environment.sdkKey", Honoured(|it| first(it).sdk_key.value.as_ref().unwrap().expose_secret() == "sdk-another")),
    ("LD_PREFIX_x", "p-q", "Environment.prefix", Honoured(|it| first(it).prefix == "p-q")),
    ("LD_TABLE_NAME_x", "own-table", "Environment.tableName", Honoured(|it| first(it).table == "own-table")),
    ("LD_CLIENT_SIDE_ID_x", "cid", "Environment.envId", Honoured(|it| first(it).environment_id.as_deref() == Some("cid"))),
    ("LD_MOBILE_KEY_x", "mob-1", "Environment.mobileKey", Shown(|it| first(it).mobile_key.as_ref().unwrap().expose_secret() == "mob-1")),
    ("LD_LOG_LEVEL_x", "debug", "Environment.logLevel", Honoured(|it| first(it).log_level == Some(LevelFilter::DEBUG))),
    ("LD_PROJ_KEY_x", "proj", "Environment.projKey", Honoured(|it| first(it).project.as_deref() == Some("proj"))),
    ("LD_FILTER_KEYS_p", "a,b", "Filters.keys", Refused("payload filters")),
    ("LD_SECURE_MODE_x", "true", "Environment.secureMode", Accepted),
    ("LD_ALLOWED_ORIGIN_x", "https://a", "Environment.allowedOrigin", Accepted),
    ("LD_ALLOWED_HEADER_x", "A", "Environment.allowedHeader", Accepted),
    ("LD_TTL_x", "5m", "Environment.ttl", Accepted),
    ("AUTO_CONFIG_KEY", "rel-1", "AutoConfig.key", Contradicts("others are listed")),
    ("ENV_DATASTORE_PREFIX", "ld-$CID", "AutoConfig.envDatastorePrefix", Contradicts("neither is set")),
    ("ENV_DATASTORE_TABLE_NAME", "ld-$CID", "OfflineMode.envDatastoreTableName", Contradicts("neither is set")),
    ("ENV_ALLOWED_ORIGIN", "https://a", "AutoConfig.envAllowedOrigin", Accepted),
    ("ENV_ALLOWED_HEADER", "A", "OfflineMode.envAllowedHeader", Accepted),
    ("AUTO_CONFIG_CACHE_KEY", "k", "AutoConfig.cacheKey", Idle),
    ("AUTO_CONFIG_CACHE_ENCRYPTION_KEY", "k", "AutoConfig.cacheEncryptionKey", Idle),
    ("FILE_DATA_SOURCE", "/archive.tar.gz", "OfflineMode.fileDataSource", Contradicts("others are listed")),
    ("FILE_DATA_SOURCE_MONITORING_INTERVAL", "5s", "OfflineMode.fileDataSourceMonitoringInterval", Idle),
    ("USE_DYNAMODB", "true", "DynamoDB.enabled", Honoured(|it| first(it).table == "shared")),
    ("USE_DYNAMODB", "false", "DynamoDB.enabled", Refused("switches DynamoDB off")),
    ("DYNAMODB_TABLE", "other-table", "DynamoDB.tableName", Honoured(|it| first(it).table == "other-table")),
    ("DYNAMODB_URL", "http://localhost:8000/", "DynamoDB.url", Honoured(|it| it.store.endpoint.as_deref() == Some("http://localhost:8000"))),
    ("CACHE_TTL", "30s", "DynamoDB.localTtl", Accepted),
    ("USE_REDIS", "true", "", Refused("Redis is not supported")),
    ("REDIS_HOST", "h", "Redis.host", Refused("Redis is not supported")),
    ("REDIS_PORT", "6379", "Redis.port", Refused("Redis is not supported")),
    ("REDIS_URL", "redis://h", "Redis.url", Refused("Redis is not supported")),
    ("REDIS_TLS", "true", "Redis.tls", Refused("Redis is not supported")),
    ("REDIS_USERNAME", "u", "Redis.username", Refused("Redis is not supported")),
    ("REDIS_PASSWORD", "p", "Redis.password", Refused("Redis is not supported")),
    ("REDIS_CLIENT_CERT_FILE", "/c", "Redis.clientCertificateFile", Refused("Redis is not supported")),
    ("REDIS_CLIENT_KEY_FILE", "/k", "Redis.clientKeyFile", Refused("Redis is not supported")),
    ("REDIS_CA_FILE", "/a", "Redis.caFile", Refused("Redis is not supported")),
    ("REDIS_ATOMIC_UPSERT", "true", "Redis.atomicUpsert", Refused("Redis is not supported")),
    ("REDIS_CONNECT_TIMEOUT", "5s", "Redis.connectTimeout", Refused("Redis is not supported")),
    ("REDIS_READ_TIMEOUT", "5s", "Redis.readTimeout", Refused("Redis is not supported")),
    ("USE_CONSUL", "1", "", Refused("Consul is not supported")),
    ("CONSUL_HOST", "h", "Consul.host", Refused("Consul is not supported")),
    ("CONSUL_TOKEN", "t", "Consul.token", Refused("Consul is not supported")),
    ("CONSUL_TOKEN_FILE", "/t", "Consul.tokenFile", Refused("Consul is not supported")),
    ("STREAM_URI", "http://stream.test/", "Main.streamUri", Honoured(|it| it.upstream.stream_uri == "http://stream.test")),
    ("BASE_URI", "https://app.launchdarkly.com", "Main.baseUri", Honoured(|it| it.upstream.base_uri == "https://sdk.launchdarkly.com")),
    ("CLIENT_SIDE_BASE_URI", "http://client.test", "Main.clientSideBaseUri", Accepted),
    ("EXIT_ON_ERROR", "true", "Main.exitOnError", Honoured(|it| it.lifecycle.exit_on_error)),
    ("EXIT_ALWAYS", "1", "Main.exitAlways", Honoured(|it| it.lifecycle.exit_always)),
    ("IGNORE_CONNECTION_ERRORS", "true", "Main.ignoreConnectionErrors", Honoured(|it| it.lifecycle.ignore_connection_errors)),
    ("INIT_TIMEOUT", "1m30s", "Main.initTimeout", Honoured(|it| it.lifecycle.init_timeout == seconds(90))),
    ("PORT", "8333", "Main.port", Honoured(|it| it.http.port == 8333)),
    ("TLS_ENABLED", "true", "Main.tlsEnabled", Honoured(|it| it.http.tls.is_some())),
    ("TLS_CERT", "/b.pem", "Main.tlsCert", Honoured(|it| it.http.tls.as_ref().unwrap().certificate == Path::new("/b.pem"))),
    ("TLS_KEY", "/b.pem", "Main.tlsKey", Honoured(|it| it.http.tls.as_ref().unwrap().key == Path::new("/b.pem"))),
    ("TLS_MIN_VERSION", "1.3", "Main.tlsMinVersion", Honoured(|it| it.http.tls.as_ref().unwrap().min_version == TlsVersion::Tls13)),
    ("LOG_LEVEL", "none", "Main.logLevel", Honoured(|it| it.log.level == LevelFilter::OFF)),
    ("LOG_FORMAT", "json", "", Honoured(|it| it.log.format == Some(LogFormat::Json))),
    ("DISCONNECTED_STATUS_TIME", "3m", "Main.disconnectedStatusTime", Honoured(|it| it.lifecycle.disconnected_status_time == seconds(180))),
    ("BIG_SEGMENTS_STALE_AS_DEGRADED", "true", "Main.bigSegmentsStaleAsDegraded", Refused("big segments are not built yet")),
    ("BIG_SEGMENTS_STALE_THRESHOLD", "10m", "Main.bigSegmentsStaleThreshold", Refused("big segments are not built yet")),
    ("EXPIRED_CREDENTIAL_CLEANUP_INTERVAL", "2m", "Main.expiredCredentialCleanupInterval", Accepted),
    ("GRACEFUL_SHUTDOWN_TIMEOUT", "7s", "Main.gracefulShutdownTimeout", Honoured(|it| it.lifecycle.shutdown_timeout == seconds(7))),
    ("HEARTBEAT_INTERVAL", "90s", "Main.heartbeatInterval", Accepted),
    ("PING_STREAM_JITTER_TIME", "1s", "Main.pingStreamJitterTime", Accepted),
    ("MAX_CLIENT_CONNECTION_TIME", "30m", "Main.maxClientConnectionTime", Accepted),
    ("USE_EVENTS", "true", "Events.sendEvents", Accepted),
    ("EVENTS_HOST", "http://events.test", "Events.eventsUri", Accepted),
    ("EVENTS_FLUSH_INTERVAL", "5s", "Events.flushInterval", Accepted),
    ("EVENTS_CAPACITY", "1000", "Events.capacity", Accepted),
    ("EVENTS_METRICS_CAPACITY", "10000", "Events.metricsCapacity", Accepted),
    ("EVENTS_INLINE_USERS", "true", "Events.inlineUsers", Accepted),
    ("EVENTS_MAX_INBOUND_PAYLOAD_SIZE", "7MiB", "Events.maxInboundPayloadSize", Accepted),
    ("USE_PROMETHEUS", "false", "Prometheus.enabled", Honoured(|it| !it.http.metrics)),
    ("PROMETHEUS_PORT", "8333", "Prometheus.port", Honoured(|it| it.http.admin_port == 8333)),
    ("PROMETHEUS_PREFIX", "launchdarkly_relay", "Prometheus.prefix", Honoured(|it| it.http.metrics_prefix == "launchdarkly_relay_")),
    ("USE_DATADOG", "true", "Datadog.enabled", Accepted),
    ("DATADOG_STATS_ADDR", "h:1", "Datadog.statsAddr", Accepted),
    ("DATADOG_TRACE_ADDR", "h:1", "Datadog.traceAddr", Accepted),
    ("DATADOG_TAG_x", "y", "Datadog.tag", Accepted),
    ("DATADOG_PREFIX", "p", "Datadog.prefix", Accepted),
    ("USE_STACKDRIVER", "true", "Stackdriver.enabled", Accepted),
    ("STACKDRIVER_PROJECT_ID", "p", "Stackdriver.projectId", Accepted),
    ("STACKDRIVER_PREFIX", "p", "Stackdriver.prefix", Accepted),
    ("USE_OTLP", "true", "OpenTelemetry.enabled", Accepted),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OpenTelemetry.protocol", Accepted),
    ("OTEL_METRICS_CARDINALITY_LIMIT", "2000", "OpenTelemetry.metricsCardinalityLimit", Accepted),
    ("OTEL_ENVIRONMENT_STATUS_METRICS", "true", "OpenTelemetry.environmentStatusMetrics", Accepted),
    ("OTEL_LOGS_EXPORTER", "otlp", "OpenTelemetry.logsExporter", Accepted),
    ("OTEL_TRACES_EXPORTER", "otlp", "OpenTelemetry.tracesExporter", Accepted),
    ("OTEL_METRICS_EXPORTER", "otlp", "OpenTelemetry.metricsExporter", Accepted),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://o.test", "OpenTelemetry.endpoint", Accepted),
    ("PROXY_URL", "http://u:p@proxy.test:3128", "Proxy.url", Honoured(|it| it.upstream.proxy_url.as_ref().unwrap().expose_secret().contains("u:p@"))),
    ("PROXY_CA_CERTS", "/a.pem, /b.pem", "", Honoured(|it| it.upstream.ca_certificates == [Path::new("/a.pem"), Path::new("/b.pem")])),
    ("PROXY_CA_CERTS", "/a.pem", "Proxy.caCertFiles", Honoured(|it| it.upstream.ca_certificates == [Path::new("/a.pem")])),
    ("PROXY_AUTH_NTLM", "true", "Proxy.ntlmAuth", Refused("NTLM is not supported")),
    ("PROXY_AUTH_USER", "u", "Proxy.user", Refused("NTLM is not supported")),
    ("PROXY_AUTH_PASSWORD", "p", "Proxy.password", Refused("NTLM is not supported")),
    ("PROXY_AUTH_DOMAIN", "d", "Proxy.domain", Refused("NTLM is not supported")),
    ("HTTP_PROXY", "http://p.test", "", Elsewhere),
    ("HTTPS_PROXY", "http://p.test", "", Elsewhere),
    ("NO_PROXY", "localhost", "", Elsewhere),
    ("INIT_MAX_CONCURRENT", "1", "Concurrency.maxConcurrent", Accepted),
    ("INIT_MAX_QUEUED", "1", "Concurrency.maxQueued", Accepted),
    ("INIT_SEND_TIMEOUT", "1s", "Concurrency.sendTimeout", Accepted),
    ("HTTP_ENABLE_COMPRESSION", "true", "Http.enableCompression", Accepted),
    ("HTTP_IDLE_CONN_TIMEOUT", "90s", "Http.idleConnTimeout", Accepted),
    ("HTTP_MAX_IDLE_CONNS", "100", "Http.maxIdleConns", Accepted),
    ("HTTP_MAX_IDLE_CONNS_PER_HOST", "2", "Http.maxIdleConnsPerHost", Accepted),
    ("HTTP_DISABLE_KEEPALIVE", "false", "Http.disableKeepAlives", Accepted),
    ("MAX_CLIENT_REQUEST_BODY_SIZE", "5MiB", "Main.maxClientRequestBodySize", Accepted),
    ("LD_TRACE_LOG_BIG_SEGMENTS", "true", "", Accepted),
    ("AWS_REGION", "eu-west-1", "", Elsewhere),
    ("AWS_PROFILE", "p", "", Elsewhere),
    ("AWS_ACCESS_KEY_ID", "AKIA", "", Elsewhere),
    ("AWS_CA_BUNDLE", "/a.pem", "", Accepted),
    // Retired by the Relay Proxy itself.
    ("EVENTS_SAMPLING_INTERVAL", "1", "", Refused("retired")),
    ("REDIS_TTL", "30s", "", Refused("CACHE_TTL")),
    ("LD_TTL_MINUTES_x", "5", "", Refused("LD_TTL_<name>")),
    // Ours.
    ("STREAM_READ_TIMEOUT", "250ms", "", Honoured(|it| it.upstream.read_timeout == Duration::from_millis(250))),
    ("UPSTREAM", "poll", "", Honoured(|it| first(it).source == SourceKind::Poll)),
    ("UPSTREAM", "Stream", "", Honoured(|it| first(it).source == SourceKind::Stream)),
    ("LD_UPSTREAM_x", "poll", "", Honoured(|it| first(it).source == SourceKind::Poll)),
    ("POLL_INTERVAL", "2m", "", Honoured(|it| it.upstream.poll_interval == seconds(120))),
    ("VERIFY_INTERVAL", "1h", "", Honoured(|it| it.upkeep.verify_interval == seconds(3_600))),
    ("MARKER_CHECK_INTERVAL", "1m", "", Honoured(|it| it.upkeep.marker_check_interval == seconds(60))),
    ("WRITE_CONCURRENCY", "8", "", Honoured(|it| it.store.write_concurrency == 8)),
    ("REPAIR", "false", "", Honoured(|it| !it.upkeep.repair)),
    ("MAX_EVENT_BYTES", "64KB", "", Honoured(|it| it.upstream.max_event_bytes == 64_000)),
    ("LD_ENVIRONMENT_KEY_x", "e", "", Honoured(|it| first(it).environment_key.as_deref() == Some("e"))),
    ("WEBHOOK_SECRET", "whsec-one", "", Honoured(|it| told(&it.http.webhook.secrets) == ["whsec-one"])),
    ("WEBHOOK_SECRET", "whsec-one, ssm:/two", "", Honoured(|it| told(&it.http.webhook.secrets) == ["whsec-one", "ssm:/two"])),
    ("WEBHOOK_SECRET_x", "whsec-one,whsec-two", "", Honoured(|it| told(&first(it).webhook_secrets) == ["whsec-one", "whsec-two"])),
    ("WEBHOOK_MAX_AGE", "1h", "", Honoured(|it| it.http.webhook.max_age == seconds(3_600))),
    ("ADMIN_TOKEN", "a-token-of-mine", "", Honoured(|it| told(it.http.admin_token.as_slice()) == ["a-token-of-mine"])),
    ("ADMIN_TOKEN", "secretsmanager:ld#token", "", Honoured(|it| told(it.http.admin_token.as_slice()) == ["secretsmanager:ld#token"])),
    ("LD_ENV_x", "ssm:/launchdarkly/x/sdkkey", "Environment.sdkKey", Honoured(|it| told(&[first(it).sdk_key.clone()]) == ["ssm:/launchdarkly/x/sdkkey"])),
];

/// Options that do something only when their switch is on.
const SWITCHES: &[(&str, &str)] = &[
    ("REDIS_", "USE_REDIS"),
    ("CONSUL_", "USE_CONSUL"),
    ("PROXY_AUTH_", "PROXY_AUTH_NTLM"),
];

fn switch_of(variable: &str) -> Option<&'static str> {
    let part = |it: &&(&str, &str)| {
        variable.starts_with(it.0) && variable != it.1 && variable != "REDIS_TTL"
    };
    SWITCHES.iter().find(part).map(|it| it.1)
}

fn check(row: &Row, loaded: &Loaded, how: &str) {
    let (variable, value, _, expected) = row;
    let context = format!("{variable}={value} {how}");
    let problems = problems(loaded);
    let (arrives, warnings, effect): (fn(&Config) -> bool, usize, Effect) = match expected {
        Refused(sentence) => {
            assert_eq!(problems.len(), 1, "{context}: {problems:?}");
            assert!(problems[0].contains(sentence), "{context}: {problems:?}");
            let effects: Vec<Effect> = loaded.inputs.iter().map(|it| it.effect).collect();
            assert!(
                effects.contains(&Effect::Refused) || effects.contains(&Effect::Invalid),
                "{context}"
            );
            return;
        }
        Contradicts(sentence) => {
            assert_eq!(problems.len(), 1, "{context}: {problems:?}");
            assert!(problems[0].contains(sentence), "{context}: {problems:?}");
            return;
        }
        Honoured(arrives) => (*arrives, 0, Effect::Honoured),
        Idle => (|_| true, 1, Effect::Honoured),
        Shown(arrives) => (*arrives, 1, Effect::Ignored),
        Elsewhere => (|_| true, 0, Effect::Honoured),
        Accepted => (|_| true, 1, Effect::Ignored),
    };
    let config = loaded
        .config
        .as_ref()
        .unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(arrives(config), "{context}: it did not arrive");
    assert_eq!(
        loaded.warnings.len(),
        warnings,
        "{context}: {:?}",
        loaded.warnings
    );
    for warning in &loaded.warnings {
        assert!(
            warning.text.starts_with("no effect here"),
            "{context}: {warning}"
        );
        assert_eq!(warning.about.len(), 1, "{context}: {warning}");
    }
    assert_eq!(loaded.inputs.last().unwrap().effect, effect, "{context}");
}

/// What every row stands on: without these nothing would start, or the option would be without effect anyway.
fn ground(variable: &str) -> (String, Vec<(&'static str, &'static str)>) {
    let mut file = String::new();
    for (other, line) in [
        ("LD_ENV_x", "[Environment \"x\"]\nsdkKey = sdk-1\n"),
        ("DYNAMODB_TABLE", "[DynamoDB]\ntableName = shared\n"),
    ] {
        if other != variable {
            file += line;
        }
    }
    if variable.starts_with("TLS_") {
        file += "[Main]\ntlsEnabled = true\ntlsCert = /a.pem\ntlsKey = /a.pem\n";
    }
    let switch = switch_of(variable).map(|it| (it, "true"));
    (file, switch.into_iter().collect())
}

/// The file, and two others with a certificate.
fn with_authorities(file: &str) -> [(&str, &str); 3] {
    static PEM: LazyLock<String> = LazyLock::new(|| Authority::new().pem());
    [("relay.conf", file), ("/a.pem", &PEM), ("/b.pem", &PEM)]
}

#[test]
fn every_variable_is_honoured_accepted_or_refused() {
    for row in ROWS {
        let (variable, value, ..) = row;
        let (file, mut variables) = ground(variable);
        variables.push((variable, value));
        let loaded = load_from(&with_authorities(&file), &variables);
        check(row, &loaded, "as a variable");
    }
}

#[test]
fn every_key_of_the_relay_proxys_file_is_honoured_accepted_or_refused() {
    for row in ROWS {
        let (variable, value, place, _) = row;
        let Some((section, key)) = place.split_once('.') else {
            continue;
        };
        let (file, switch) = ground(variable);
        let named = matches!(section, "Environment" | "Filters");
        let name = if named { " \"x\"" } else { "" };
        // Sections and keys know no upper and lower case.
        let (section, key) = (section.to_uppercase(), key.to_lowercase());
        let file = format!("{file}[{section}{name}]\n{key} = {value}\n");
        let loaded = load_from(&with_authorities(&file), &switch);
        check(row, &loaded, &format!("at {place}"));
    }
}

#[test]
fn what_is_off_or_so_anyway_is_let_through() {
    for (variable, value) in [
        ("USE_REDIS", "false"),
        ("USE_CONSUL", "0"),
        ("TLS_ENABLED", "false"),
        ("PROXY_AUTH_NTLM", "false"),
        ("BIG_SEGMENTS_STALE_AS_DEGRADED", "false"),
        ("BIG_SEGMENTS_STALE_THRESHOLD", "300s"),
        ("AUTO_CONFIG_KEY", ""),
        ("WEBHOOK_SECRET", ""),
    ] {
        let loaded = load_from(
            &[],
            &[
                ("LD_ENV_x", "sdk-1"),
                ("DYNAMODB_TABLE", "shared"),
                (variable, value),
            ],
        );
        assert!(
            loaded.config.is_ok(),
            "{variable}={value}: {:?}",
            loaded.config.err()
        );
        assert_eq!(loaded.warnings, [], "{variable}={value}");
    }
}

#[test]
fn parts_of_what_is_off_are_warned_about() {
    for (variable, switch) in [
        ("REDIS_HOST", "USE_REDIS"),
        ("CONSUL_TOKEN", "USE_CONSUL"),
        ("PROXY_AUTH_USER", "PROXY_AUTH_NTLM"),
        ("PROXY_AUTH_PASSWORD", "PROXY_AUTH_NTLM"),
        ("PROXY_AUTH_DOMAIN", "PROXY_AUTH_NTLM"),
    ] {
        let instead = match switch {
            "PROXY_AUTH_NTLM" => "; put user and password into PROXY_URL",
            _ => "",
        };
        for off in ["false", ""] {
            let given = [
                ("LD_ENV_x", "sdk-1"),
                ("DYNAMODB_TABLE", "shared"),
                (variable, "v"),
                (switch, off),
            ];
            let loaded = load_from(&[], &given);
            assert!(
                loaded.config.is_ok(),
                "{variable}: {:?}",
                loaded.config.err()
            );
            let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
            assert_eq!(
                warnings,
                [format!(
                    "{variable}: no effect here: {switch} is off{instead}"
                )]
            );
        }
    }
}
