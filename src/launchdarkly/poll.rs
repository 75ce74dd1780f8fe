//! LaunchDarkly's polling API: everything, asked for again and again.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH};
use reqwest::{Response, StatusCode};
use secrecy::SecretString;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::client::{
    Client, HEADERS_TIMEOUT, MAX_EVENT_TIME, media_type, network, shortened, success,
};
use super::fdv1::{self, Malformed, Said};
use super::signal::{Greeting, Refusal, Signal};
use crate::model::DataSet;

const SETTING: &str = "BASE_URI";
const PATH: &str = "/sdk/latest-all";
const NOT_JSON: Malformed = Malformed::Json("latest-all");
/// How long an answer of which only the status is read may take.
const STATUS_TIMEOUT: Duration = Duration::from_secs(10);
/// The part of the interval by which a poll comes sooner at most, so that many environments do not poll together.
const JITTER: f64 = 0.1;

impl Client {
    /// The status with which the polling API answers this key. The body is not read.
    pub async fn poll_status(&self, key: &SecretString) -> Result<u16, Refusal> {
        let answer = self.poll(PATH, key).timeout(STATUS_TIMEOUT).send().await;
        let answer = answer.map_err(|error| network(&error, SETTING))?;
        match success(answer) {
            Ok(answer) => Ok(answer.status().as_u16()),
            Err(Refusal::Status { status, .. }) => Ok(status),
            Err(refusal) => Err(refusal),
        }
    }
}

/// Polls with one key, one after the other. The first asks for everything whatever was said before; the others only for what
/// is not as it was.
pub struct PollSession {
    client: Client,
    key: SecretString,
    interval: Duration,
    state: PollState,
    /// What LaunchDarkly calls that which it last said.
    etag: Option<HeaderValue>,
    /// What it said of itself; none before it answered.
    greeting: Option<Greeting>,
    ready: VecDeque<Signal>,
}

enum PollState {
    Asking(BoxFuture<'static, Result<PollAnswer, Refusal>>),
    Waiting(Instant),
}

/// What a poll brought.
struct PollAnswer {
    asked: Instant,
    greeting: Greeting,
    /// None: nothing changed.
    everything: Option<LatestAll>,
}

struct LatestAll {
    items: DataSet,
    etag: Option<HeaderValue>,
    /// When the last byte came.
    received: Instant,
}

impl PollSession {
    /// Begins to ask as the environment with this key.
    pub(super) fn open(client: Client, key: SecretString, interval: Duration) -> Self {
        Self {
            state: PollState::Asking(Box::pin(ask(client.clone(), key.clone(), None))),
            client,
            key,
            interval,
            etag: None,
            greeting: None,
            ready: VecDeque::new(),
        }
    }

    /// See [`Session::next`](super::Session::next).
    pub async fn next(&mut self) -> Result<Signal, Refusal> {
        loop {
            if let Some(signal) = self.ready.pop_front() {
                return Ok(signal);
            }
            match &mut self.state {
                PollState::Waiting(until) => {
                    sleep_until(*until).await;
                    self.ask();
                }
                PollState::Asking(answer) => {
                    let answer = answer.await?;
                    self.take(answer);
                }
            }
        }
    }

    fn ask(&mut self) {
        let request = ask(self.client.clone(), self.key.clone(), self.etag.clone());
        self.state = PollState::Asking(Box::pin(request));
    }

    fn take(&mut self, answer: PollAnswer) {
        let PollAnswer {
            asked,
            greeting,
            everything,
        } = answer;
        let is_first = self.greeting.is_none();
        let before = self
            .greeting
            .as_ref()
            .and_then(|it| it.environment_id.as_ref());
        // An answer without data need not say whose it is.
        let tells = everything.is_some() || greeting.environment_id.is_some();
        let is_another = !is_first && tells && greeting.environment_id.as_ref() != before;
        if is_first || is_another {
            self.greeting = Some(greeting.clone());
            self.ready.push_back(Signal::Connected(greeting));
        }
        let interval = self.interval.mul_f64(1.0 - JITTER * rand::random::<f64>());
        self.state = PollState::Waiting(Instant::now() + interval);
        match everything {
            Some(everything) => {
                if !is_first {
                    self.ready.push_back(Signal::Asked(asked));
                }
                self.etag = everything.etag;
                let said = Said::Full(everything.items);
                self.ready
                    .push_back(Signal::Said(said, everything.received));
            }
            // This says nothing of this environment: what was said before was another one's.
            None if is_another => {
                self.etag = None;
                self.ask();
            }
            None => self.ready.push_back(Signal::Alive),
        }
    }
}

/// Asks for everything, unless it still is what is called so.
async fn ask(
    client: Client,
    key: SecretString,
    etag: Option<HeaderValue>,
) -> Result<PollAnswer, Refusal> {
    let asked = Instant::now();
    let patience = client.endpoints.read_timeout.min(HEADERS_TIMEOUT);
    // A cache on the way might repeat what was said long ago.
    let mut request = client.poll(PATH, &key).header(CACHE_CONTROL, "no-cache");
    if let Some(etag) = &etag {
        request = request.header(IF_NONE_MATCH, etag);
    }
    let response = timeout(patience, request.send()).await;
    let response = response.map_err(|_| Refusal::Silent(patience))?;
    let mut response = response.map_err(|error| network(&error, SETTING))?;
    let greeting = Greeting::of(response.headers());
    if response.status() == StatusCode::NOT_MODIFIED && etag.is_some() {
        return Ok(PollAnswer {
            asked,
            greeting,
            everything: None,
        });
    }
    response = success(response)?;
    let media = media_type(&response);
    if !media.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::NotJson(shortened(media)));
    }
    let etag = response.headers().get(ETAG).cloned();
    let body = body(&mut response, asked, &client).await?;
    let received = Instant::now();
    let text = str::from_utf8(&body).map_err(|_| NOT_JSON);
    let items = text.and_then(fdv1::latest_all);
    let items = items.map_err(Refusal::MalformedAnswer)?;
    Ok(PollAnswer {
        asked,
        greeting,
        everything: Some(LatestAll {
            items,
            etag,
            received,
        }),
    })
}

/// The whole body. An answer so large, or a way so narrow, that it takes long has time while it comes.
async fn body(
    response: &mut Response,
    asked: Instant,
    client: &Client,
) -> Result<Vec<u8>, Refusal> {
    let most = client.endpoints.max_event_bytes;
    let (late, read_timeout) = (asked + MAX_EVENT_TIME, client.endpoints.read_timeout);
    let mut body = Vec::new();
    loop {
        let next = Instant::now() + read_timeout;
        let chunk = timeout_at(next.min(late), response.chunk()).await;
        let chunk = chunk.map_err(|_| {
            if next < late {
                Refusal::Silent(read_timeout)
            } else {
                Refusal::Incomplete(MAX_EVENT_TIME)
            }
        })?;
        let chunk = chunk.map_err(|error| {
            if is_corrupt(&error) {
                Refusal::MalformedAnswer(NOT_JSON)
            } else {
                network(&error, SETTING)
            }
        })?;
        let Some(chunk) = chunk else { return Ok(body) };
        if body.len() + chunk.len() > most {
            return Err(Refusal::TooLarge(most));
        }
        body.extend_from_slice(&chunk);
    }
}

/// Whether what came is no valid compression, rather than cut short.
fn is_corrupt(error: &reqwest::Error) -> bool {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
    matches!(kind, Some(ErrorKind::InvalidData | ErrorKind::InvalidInput))
}
