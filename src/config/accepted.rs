//! The Relay Proxy's options that are accepted and have no effect here: each is warned about once.

use super::options::Opt;
use super::options::Treatment::NoEffect;

const SERVING: &str =
    "no effect here: it is about SDKs that connect to the Relay Proxy, and none connects to this";
const CACHE: &str =
    "no effect here: it is about a copy in memory that serves SDKs, and this keeps none";
const CREDENTIALS: &str =
    "no effect here: a key is used until it is replaced, and none is kept for SDKs that connect";
const EVENTS: &str = "no effect here: events are not forwarded; SDK events must go elsewhere, straight to LaunchDarkly or through a Relay Proxy";
const DATADOG: &str =
    "no effect here: nothing is sent to Datadog; its agent can scrape /metrics on the admin port";
const STACKDRIVER: &str = "no effect here: nothing is sent to Stackdriver; a collector can scrape /metrics on the admin port";
const OPEN_TELEMETRY: &str = "no effect here: nothing is pushed by OTLP yet; a collector can scrape /metrics on the admin port";
const CONNECTIONS: &str = "no effect here: an environment has one connection to LaunchDarkly, which is kept open while it is used";
const AWS_AUTHORITIES: &str = "no effect here: the AWS client does not read it; name a file with the system's authorities and your own in \
     SSL_CERT_FILE";
const TRACE: &str = "no effect here: big segments are not traced";

#[rustfmt::skip] // A row a line: it is read as a table.
pub(super) const OPTIONS: &[Opt] = &[
    Opt::foreign("LD_SECURE_MODE_", &["Environment.secureMode"], NoEffect(SERVING)),
    Opt::foreign("LD_ALLOWED_ORIGIN_", &["Environment.allowedOrigin"], NoEffect(SERVING)),
    Opt::foreign("LD_ALLOWED_HEADER_", &["Environment.allowedHeader"], NoEffect(SERVING)),
    Opt::foreign("LD_TTL_", &["Environment.ttl"], NoEffect(SERVING)),
    Opt::foreign("ENV_ALLOWED_ORIGIN", &["AutoConfig.envAllowedOrigin", "OfflineMode.envAllowedOrigin"], NoEffect(SERVING)),
    Opt::foreign("ENV_ALLOWED_HEADER", &["AutoConfig.envAllowedHeader", "OfflineMode.envAllowedHeader"], NoEffect(SERVING)),
    Opt::foreign("CLIENT_SIDE_BASE_URI", &["Main.clientSideBaseUri"], NoEffect(SERVING)),
    Opt::foreign("HEARTBEAT_INTERVAL", &["Main.heartbeatInterval"], NoEffect(SERVING)),
    Opt::foreign("MAX_CLIENT_CONNECTION_TIME", &["Main.maxClientConnectionTime"], NoEffect(SERVING)),
    Opt::foreign("MAX_CLIENT_WRITE_TIME", &["Main.maxClientWriteTime"], NoEffect(SERVING)),
    Opt::foreign("MAX_CLIENT_REQUEST_BODY_SIZE", &["Main.maxClientRequestBodySize"], NoEffect(SERVING)),
    Opt::foreign("PING_STREAM_JITTER_TIME", &["Main.pingStreamJitterTime"], NoEffect(SERVING)),
    Opt::foreign("INIT_MAX_CONCURRENT", &["Concurrency.maxConcurrent"], NoEffect(SERVING)),
    Opt::foreign("INIT_MAX_QUEUED", &["Concurrency.maxQueued"], NoEffect(SERVING)),
    Opt::foreign("INIT_SEND_TIMEOUT", &["Concurrency.sendTimeout"], NoEffect(SERVING)),
    Opt::foreign("HTTP_ENABLE_COMPRESSION", &["Http.enableCompression"], NoEffect(SERVING)),
    Opt::foreign("HTTP_IDLE_CONN_TIMEOUT", &["Http.idleConnTimeout"], NoEffect(CONNECTIONS)),
    Opt::foreign("HTTP_MAX_IDLE_CONNS", &["Http.maxIdleConns"], NoEffect(CONNECTIONS)),
    Opt::foreign("HTTP_MAX_IDLE_CONNS_PER_HOST", &["Http.maxIdleConnsPerHost"], NoEffect(CONNECTIONS)),
    Opt::foreign("HTTP_DISABLE_KEEPALIVE", &["Http.disableKeepAlives"], NoEffect(CONNECTIONS)),
    Opt::foreign("CACHE_TTL", &["DynamoDB.localTtl", "Redis.localTtl", "Consul.localTtl"], NoEffect(CACHE)),
    Opt::foreign("EXPIRED_CREDENTIAL_CLEANUP_INTERVAL", &["Main.expiredCredentialCleanupInterval"], NoEffect(CREDENTIALS)),
    Opt::foreign("USE_EVENTS", &["Events.sendEvents"], NoEffect(EVENTS)),
    Opt::foreign("EVENTS_HOST", &["Events.eventsUri"], NoEffect(EVENTS)),
    Opt::foreign("EVENTS_FLUSH_INTERVAL", &["Events.flushInterval"], NoEffect(EVENTS)),
    Opt::foreign("EVENTS_CAPACITY", &["Events.capacity"], NoEffect(EVENTS)),
    Opt::foreign("EVENTS_METRICS_CAPACITY", &["Events.metricsCapacity"], NoEffect(EVENTS)),
    Opt::foreign("EVENTS_INLINE_USERS", &["Events.inlineUsers"], NoEffect(EVENTS)),
    Opt::foreign("EVENTS_MAX_INBOUND_PAYLOAD_SIZE", &["Events.maxInboundPayloadSize"], NoEffect(EVENTS)),
    Opt::foreign("USE_DATADOG", &["Datadog.enabled"], NoEffect(DATADOG)),
    Opt::foreign("DATADOG_", &["Datadog.prefix", "Datadog.traceAddr", "Datadog.statsAddr", "Datadog.tag"], NoEffect(DATADOG)),
    Opt::foreign("USE_STACKDRIVER", &["Stackdriver.enabled"], NoEffect(STACKDRIVER)),
    Opt::foreign("STACKDRIVER_", &["Stackdriver.prefix", "Stackdriver.projectId"], NoEffect(STACKDRIVER)),
    Opt::foreign("USE_OTLP", &["OpenTelemetry.enabled"], NoEffect(OPEN_TELEMETRY)),
    Opt::foreign("OTEL_", &["OpenTelemetry.*"], NoEffect(OPEN_TELEMETRY)),
    Opt::foreign("AWS_CA_BUNDLE", &[], NoEffect(AWS_AUTHORITIES)),
    Opt::foreign("LD_TRACE_LOG_BIG_SEGMENTS", &[], NoEffect(TRACE)),
];
