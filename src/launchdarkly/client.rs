//! The HTTP client for LaunchDarkly, and how an environment is heard with it.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, ClientBuilder, Proxy, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use tracing::warn;

use super::events::EventStream;
use super::poll::PollSession;
use super::signal::{Refusal, Signal};
use super::stream::StreamSession;

/// Forward proxies cut connections that are silent for so long as half a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer's headers may take at most.
pub(super) const HEADERS_TIMEOUT: Duration = Duration::from_secs(30);
/// How long everything may take where its bytes keep coming.
pub(super) const MAX_EVENT_TIME: Duration = Duration::from_mins(30);
/// Redirections followed in a row.
const MAX_REDIRECTS: usize = 5;
/// The longest `Retry-After` that is obeyed.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

const WANTS_PASSWORD: &str =
    "it answered 407; check user and password in PROXY_URL (in HTTPS_PROXY, where that is not set)";
const OPENS_NO_TUNNEL: &str = "it opened no tunnel; check that it allows LaunchDarkly's hosts";
const UNKNOWN_ISSUER: &str = "invalid peer certificate: UnknownIssuer";

/// How LaunchDarkly is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// On a stream, which says what changes when it does.
    Stream,
    /// By asking for everything again and again, this long after the previous answer.
    Poll(Duration),
}

/// Where LaunchDarkly is, and how long it may take.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// Base of the streaming API.
    pub stream_uri: String,
    /// Base of the polling API.
    pub base_uri: String,
    /// How long a stream may be silent.
    pub read_timeout: Duration,
    /// The longest event or answer that is accepted, in bytes.
    pub max_event_bytes: usize,
}

/// Opens sessions. Cheap to clone: the connections are shared by all environments that are heard so.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub(super) endpoints: Endpoints,
    transport: Transport,
    instance: HeaderValue,
}

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum Setup {
    /// The forward proxy's URL.
    #[error("PROXY_URL cannot be used as a proxy")]
    Proxy,
    /// The system has no certificate authorities.
    #[error(
        "the HTTPS client cannot be made ({0}): install ca-certificates, or check PROXY_CA_CERTS"
    )]
    Tls(String),
}

impl Client {
    /// `proxy` and `authorities` (PEM) are for LaunchDarkly alone. `instance` names this process for LaunchDarkly's
    /// statistics.
    pub fn new(
        endpoints: Endpoints,
        transport: Transport,
        proxy: Option<&SecretString>,
        authorities: &[Vec<u8>],
        instance: &str,
    ) -> Result<Self, Setup> {
        let tls = |error: reqwest::Error| Setup::Tls(error.without_url().to_string());
        // A compressed stream would be held back until a block is full.
        let compressed = transport != Transport::Stream;
        let http = http(proxy, authorities)?.gzip(compressed).build();
        let instance =
            HeaderValue::from_str(instance).unwrap_or_else(|_| HeaderValue::from_static(""));
        Ok(Self {
            http: http.map_err(tls)?,
            endpoints,
            transport,
            instance,
        })
    }

    /// How it hears.
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// Begins to connect as the environment with this key.
    pub fn open(&self, key: &SecretString) -> Session {
        match self.transport {
            Transport::Stream => Session::Stream(StreamSession::open(self, key)),
            Transport::Poll(interval) => {
                Session::Poll(PollSession::open(self.clone(), key.clone(), interval))
            }
        }
    }

    /// Begins to ask which environments there are, with the key of a Relay Proxy configuration.
    pub fn open_roster(&self, key: &SecretString) -> EventStream {
        EventStream::open(self, "/relay_auto_config?rpacProtocolVersion=2", key)
    }

    /// A request to the streaming API as the environment with this key.
    pub(super) fn stream(&self, path: &str, key: &SecretString) -> RequestBuilder {
        let uri = format!("{}{path}", self.endpoints.stream_uri);
        self.http.get(uri).headers(self.headers(key))
    }

    /// The same to the polling API.
    pub(super) fn poll(&self, path: &str, key: &SecretString) -> RequestBuilder {
        let uri = format!("{}{path}", self.endpoints.base_uri);
        self.http.get(uri).headers(self.headers(key))
    }

    fn headers(&self, key: &SecretString) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Ok(mut key) = HeaderValue::from_str(key.expose_secret()) {
            key.set_sensitive(true);
            headers.insert(AUTHORIZATION, key);
        }
        headers.insert("X-LaunchDarkly-Instance-Id", self.instance.clone());
        headers
    }
}

/// One way of hearing an environment, from when everything is asked for to the first refusal. Dropping it ends it.
pub enum Session {
    /// A stream.
    Stream(StreamSession),
    /// Polls.
    Poll(PollSession),
}

impl Session {
    /// The next thing that is told. May be dropped and called again without loss. Nothing comes after a refusal.
    pub async fn next(&mut self) -> Result<Signal, Refusal> {
        match self {
            Self::Stream(session) => session.next().await,
            Self::Poll(session) => session.next().await,
        }
    }
}

fn http(proxy: Option<&SecretString>, authorities: &[Vec<u8>]) -> Result<ClientBuilder, Setup> {
    let tls = |error: reqwest::Error| Setup::Tls(error.without_url().to_string());
    let mut http = reqwest::Client::builder()
        .user_agent(concat!("ld-dynamodb-relay/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_keepalive(KEEP_ALIVE)
        .tcp_keepalive_interval(KEEP_ALIVE)
        .redirect(Policy::custom(follow));
    if let Some(proxy) = proxy {
        // With a proxy of its own the client reads neither HTTPS_PROXY nor NO_PROXY.
        http = http.proxy(forward_proxy(proxy.expose_secret())?);
    }
    if !authorities.is_empty() && rustls_native_certs::load_native_certs().certs.is_empty() {
        warn!("the system has no certificate authorities; only those of PROXY_CA_CERTS count");
    }
    for pem in authorities {
        let certificates = Certificate::from_pem_bundle(pem).map_err(tls)?;
        if certificates.is_empty() {
            return Err(Setup::Tls("a file holds no certificate".to_owned()));
        }
        for certificate in certificates {
            http = http.add_root_certificate(certificate);
        }
    }
    Ok(http)
}

/// Everything goes through it. A SOCKS proxy is given names, as the Relay Proxy gives them: where there is one, names often
/// cannot be resolved.
fn forward_proxy(url: &str) -> Result<Proxy, Setup> {
    let mut url = Url::parse(url).map_err(|_| Setup::Proxy)?;
    if url.scheme() == "socks5" {
        url.set_scheme("socks5h").map_err(|()| Setup::Proxy)?;
    }
    Proxy::all(url).map_err(|_| Setup::Proxy)
}

/// Follows within one host and never from HTTPS to HTTP: the key goes with the request.
fn follow(attempt: reqwest::redirect::Attempt<'_>) -> reqwest::redirect::Action {
    let Some(from) = attempt.previous().last() else {
        return attempt.stop();
    };
    let to = attempt.url();
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error("more than 5 redirections in a row");
    }
    if from.host_str() != to.host_str()
        || from.port_or_known_default() != to.port_or_known_default()
    {
        return attempt.error("redirected to another host, which must not see the SDK key");
    }
    if from.scheme() != to.scheme() {
        return attempt.error("redirected to another scheme, which must not carry the SDK key");
    }
    if matches!(
        attempt.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    ) {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// The answer, if it is a success.
pub(super) fn success(response: Response) -> Result<Response, Refusal> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        return Err(Refusal::Proxy(WANTS_PASSWORD));
    }
    let seconds = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok());
    let retry_after = seconds
        .map(Duration::from_secs)
        .filter(|_| matches!(status.as_u16(), 429 | 503));
    Err(Refusal::Status {
        status: status.as_u16(),
        retry_after: retry_after.map(|it| it.min(MAX_RETRY_AFTER)),
    })
}

/// The content type of an answer, without its parameters.
pub(super) fn media_type(response: &Response) -> &str {
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("no content type");
    kind.split(';').next().unwrap_or_default().trim()
}

/// Text of an answer that is shown: no more than a few words of it.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Without the URL: it may hold what a proxy's user typed.
pub(super) fn network(error: &reqwest::Error, setting: &'static str) -> Refusal {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let cause = cause.to_string();
    // The error of a tunnel has no type that could be named here.
    match cause.strip_prefix("tunnel error: ") {
        Some("proxy authorization required") => Refusal::Proxy(WANTS_PASSWORD),
        Some("unsuccessful") => Refusal::Proxy(OPENS_NO_TUNNEL),
        _ if cause == UNKNOWN_ISSUER => Refusal::Network {
            cause: format!("{cause} (to trust it, name its authority in PROXY_CA_CERTS)"),
            setting,
        },
        _ => Refusal::Network { cause, setting },
    }
}
