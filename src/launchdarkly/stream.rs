//! One connection to LaunchDarkly's streaming API, and why it ended.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Proxy, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout_at};

use super::fdv1::{self, Malformed, Said};
use super::sse::{Broken, Decoder, Frame};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer's headers may take at most.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the first full set may take where its bytes keep coming.
const MAX_EVENT_TIME: Duration = Duration::from_mins(30);
/// Redirections followed in a row.
const MAX_REDIRECTS: usize = 5;
/// The longest `Retry-After` that is obeyed.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// Opens streams; shared by all environments.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    stream_uri: String,
    read_timeout: Duration,
    max_event_bytes: usize,
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
    /// `proxy` and `authorities` (PEM) are for LaunchDarkly alone. `instance` names this process for LaunchDarkly's statistics.
    pub fn new(
        stream_uri: &str,
        read_timeout: Duration,
        max_event_bytes: usize,
        proxy: Option<&SecretString>,
        authorities: &[Vec<u8>],
        instance: &str,
    ) -> Result<Self, Setup> {
        let tls = |error: reqwest::Error| Setup::Tls(error.without_url().to_string());
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("ld-dynamodb-relay/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_keepalive(Duration::from_mins(1))
            // A compressed stream would be held back until a block is full.
            .no_gzip()
            .redirect(Policy::custom(follow));
        if let Some(proxy) = proxy {
            http = http.proxy(Proxy::all(proxy.expose_secret()).map_err(|_| Setup::Proxy)?);
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
        let instance =
            HeaderValue::from_str(instance).unwrap_or_else(|_| HeaderValue::from_static(""));
        Ok(Self {
            http: http.build().map_err(tls)?,
            stream_uri: stream_uri.trim_end_matches('/').to_owned(),
            read_timeout,
            max_event_bytes,
            instance,
        })
    }

    /// A request as the environment with this key.
    pub(super) fn get(&self, uri: &str, key: &SecretString) -> RequestBuilder {
        let mut headers = HeaderMap::new();
        if let Ok(mut key) = HeaderValue::from_str(key.expose_secret()) {
            key.set_sensitive(true);
            headers.insert(AUTHORIZATION, key);
        }
        headers.insert("X-LaunchDarkly-Instance-Id", self.instance.clone());
        self.http.get(uri).headers(headers)
    }

    /// Begins to connect as the environment with this key.
    pub fn open(&self, key: &SecretString) -> Session {
        let request = self
            .get(&format!("{}/all", self.stream_uri), key)
            .header(ACCEPT, "text/event-stream")
            .header(CACHE_CONTROL, "no-cache")
            .send();
        let now = Instant::now();
        Session {
            asked: now,
            state: SessionState::Opening(Box::pin(request)),
            deadline: now + self.read_timeout.min(HEADERS_TIMEOUT),
            read_timeout: self.read_timeout,
            complete: false,
            progress: 0,
            heard: false,
            decoder: Decoder::new(self.max_event_bytes),
            frames: Vec::new(),
            ready: VecDeque::new(),
        }
    }
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

/// What LaunchDarkly says of itself when it answers.
#[derive(Clone, Debug, Default)]
pub struct Greeting {
    /// Its ID of the environment.
    pub environment_id: Option<String>,
    /// What time it is there, as HTTP writes it.
    pub date: Option<String>,
}

/// What a session tells.
#[derive(Debug)]
pub enum Signal {
    /// LaunchDarkly answers with a stream.
    Connected(Greeting),
    /// Bytes came that say nothing.
    Alive,
    /// An event, complete since the moment.
    Said(Said, Instant),
    /// Reconnect with this delay at first.
    RetryDelay(Duration),
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No connection, or it broke.
    #[error("no connection to LaunchDarkly: {0}; check STREAM_URI, PROXY_URL and the network")]
    Network(String),
    /// Closed by the other side.
    #[error("LaunchDarkly closed the stream")]
    Closed,
    /// Nothing came for the read timeout.
    #[error("nothing came from LaunchDarkly for {0:?}")]
    Silent(Duration),
    /// Something came, but not everything, which each connection begins with.
    #[error("LaunchDarkly did not say everything within {0:?}")]
    Incomplete(Duration),
    /// An answer that is no success.
    #[error("LaunchDarkly answered {status}{}", advice(*status))]
    Status {
        /// The status.
        status: u16,
        /// How long to wait at least.
        retry_after: Option<Duration>,
    },
    /// A success that is no stream: a captive portal, a proxy's page.
    #[error("STREAM_URI answered with {0} instead of an event stream: is something else there?")]
    NotAStream(String),
    /// An event of which nothing was applied.
    #[error("malformed event, {0}")]
    Malformed(#[from] Malformed),
    /// Bytes that are no event stream.
    #[error("malformed stream: {0}")]
    Broken(#[from] Broken),
}

const fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 => {
            ": it does not accept the SDK key; check LD_ENV_<name>, which has to be the environment's server-side SDK key"
        }
        404 => ": there is no stream at STREAM_URI, or not for this key",
        _ => "",
    }
}

impl Refusal {
    /// Whether the next attempt is made only after minutes: an answer that does not change by itself.
    pub const fn is_lasting(&self) -> bool {
        match self {
            Self::Status { status, .. } => {
                matches!(*status, 300..=499) && !matches!(*status, 400 | 408 | 429)
            }
            Self::Broken(Broken::TooLong(_)) => true,
            _ => false,
        }
    }

    /// Whether LaunchDarkly does not accept the SDK key.
    pub const fn is_of_the_key(&self) -> bool {
        matches!(
            self,
            Self::Status {
                status: 401 | 403,
                ..
            }
        )
    }

    /// Whether the data were bad rather than the connection.
    pub const fn is_malformed(&self) -> bool {
        matches!(self, Self::Malformed(_) | Self::Broken(_))
    }
}

/// One connection. Ends with the first refusal; dropping it closes the connection.
pub struct Session {
    /// When everything was asked for.
    pub asked: Instant,
    state: SessionState,
    deadline: Instant,
    read_timeout: Duration,
    /// It has said everything once.
    complete: bool,
    /// Of an event that had not ended when the deadline was last set, so many bytes had come.
    progress: usize,
    heard: bool,
    decoder: Decoder,
    frames: Vec<Frame>,
    ready: VecDeque<Result<Signal, Refusal>>,
}

enum SessionState {
    Opening(BoxFuture<'static, reqwest::Result<Response>>),
    Open(Box<Response>),
}

impl Session {
    /// The next thing that is told. May be dropped and called again without loss.
    pub async fn next(&mut self) -> Result<Signal, Refusal> {
        loop {
            if let Some(signal) = self.ready.pop_front() {
                return signal;
            }
            match &mut self.state {
                SessionState::Opening(request) => {
                    let response = timeout_at(self.deadline, request).await;
                    let response = response
                        .map_err(|_| Refusal::Silent(self.read_timeout.min(HEADERS_TIMEOUT)))?;
                    let response = accept(response.map_err(|error| network(&error))?)?;
                    let header = |name| {
                        let value = response.headers().get(name)?;
                        value.to_str().ok().map(ToOwned::to_owned)
                    };
                    let greeting = Greeting {
                        environment_id: header("X-LD-EnvID"),
                        date: header("Date"),
                    };
                    self.state = SessionState::Open(Box::new(response));
                    self.deadline = Instant::now() + self.read_timeout;
                    return Ok(Signal::Connected(greeting));
                }
                SessionState::Open(response) => {
                    // Not even a stream that always has something ready keeps us from looking at the time.
                    let chunk = if Instant::now() < self.deadline {
                        timeout_at(self.deadline, response.chunk()).await.ok()
                    } else {
                        None
                    };
                    let Some(chunk) = chunk else {
                        self.late()?;
                        continue;
                    };
                    let chunk = chunk
                        .map_err(|error| network(&error))?
                        .ok_or(Refusal::Closed)?;
                    self.take(&chunk);
                }
            }
        }
    }

    /// The deadline is over. A set so large, or a way so narrow, that it takes longer has time while it comes.
    fn late(&mut self) -> Result<(), Refusal> {
        let (now, bytes) = (Instant::now(), self.decoder.bytes_within("put"));
        if !self.complete && bytes > self.progress && now < self.asked + MAX_EVENT_TIME {
            self.progress = bytes;
            self.deadline = now + self.read_timeout;
            return Ok(());
        }
        Err(if self.complete || !self.heard {
            Refusal::Silent(self.read_timeout)
        } else {
            Refusal::Incomplete(self.read_timeout)
        })
    }

    /// What comes before something malformed counts, whatever the chunks are.
    fn take(&mut self, chunk: &Bytes) {
        let now = Instant::now();
        let decoded = self.decoder.push(chunk, &mut self.frames);
        self.heard = true;
        for frame in self.frames.drain(..) {
            self.ready.push_back(match frame {
                Frame::Comment => Ok(Signal::Alive),
                Frame::Retry(delay) => Ok(Signal::RetryDelay(Duration::from_millis(delay))),
                Frame::Event { name, data } => match fdv1::read(&name, &data) {
                    Ok(said) => {
                        self.complete |= matches!(said, Said::Full(_));
                        Ok(Signal::Said(said, now))
                    }
                    Err(malformed) => Err(malformed.into()),
                },
            });
        }
        // Signs of life keep a stream open that has said everything; one that never does is of no use.
        if self.complete {
            self.deadline = now + self.read_timeout;
        }
        if let Err(broken) = decoded {
            self.ready.push_back(Err(broken.into()));
        } else if self.ready.is_empty() {
            self.ready.push_back(Ok(Signal::Alive));
        }
    }
}

fn accept(response: Response) -> Result<Response, Refusal> {
    let status = response.status();
    if !status.is_success() {
        let seconds = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok());
        let retry_after = seconds
            .map(Duration::from_secs)
            .filter(|_| matches!(status.as_u16(), 429 | 503));
        return Err(Refusal::Status {
            status: status.as_u16(),
            retry_after: retry_after.map(|it| it.min(MAX_RETRY_AFTER)),
        });
    }
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("no content type");
    let media = kind.split(';').next().unwrap_or_default().trim();
    if status != StatusCode::NO_CONTENT && media.eq_ignore_ascii_case("text/event-stream") {
        return Ok(response);
    }
    Err(Refusal::NotAStream(media.chars().take(60).collect()))
}

/// Without the URL: it may hold what a proxy's user typed.
pub(super) fn network(error: &reqwest::Error) -> Refusal {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    Refusal::Network(cause.to_string())
}
