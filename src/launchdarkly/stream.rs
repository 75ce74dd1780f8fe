//! One connection to LaunchDarkly's streaming API.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::header::{ACCEPT, CACHE_CONTROL};
use reqwest::{Response, StatusCode};
use secrecy::SecretString;
use tokio::time::{Instant, timeout_at};

use super::client::{
    Client, HEADERS_TIMEOUT, MAX_EVENT_TIME, media_type, network, shortened, success,
};
use super::fdv1::{self, Said};
use super::signal::{Greeting, Refusal, Signal};
use super::sse::{Decoder, Frame};

const SETTING: &str = "STREAM_URI";

/// One connection. Ends with the first refusal; dropping it closes the connection.
pub struct StreamSession {
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

impl StreamSession {
    /// Begins to connect as the environment with this key.
    pub(super) fn open(client: &Client, key: &SecretString) -> Self {
        let request = client
            .stream("/all", key)
            .header(ACCEPT, "text/event-stream")
            .header(CACHE_CONTROL, "no-cache")
            .send();
        let (now, read_timeout) = (Instant::now(), client.endpoints.read_timeout);
        Self {
            asked: now,
            state: SessionState::Opening(Box::pin(request)),
            deadline: now + read_timeout.min(HEADERS_TIMEOUT),
            read_timeout,
            complete: false,
            progress: 0,
            heard: false,
            decoder: Decoder::new(client.endpoints.max_event_bytes),
            frames: Vec::new(),
            ready: VecDeque::new(),
        }
    }

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
                    let response = accept(response.map_err(|error| network(&error, SETTING))?)?;
                    let greeting = Greeting::of(response.headers());
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
                        .map_err(|error| network(&error, SETTING))?
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
    let response = success(response)?;
    let media = media_type(&response);
    if response.status() != StatusCode::NO_CONTENT
        && media.eq_ignore_ascii_case("text/event-stream")
    {
        return Ok(response);
    }
    Err(Refusal::NotAStream(shortened(media)))
}
