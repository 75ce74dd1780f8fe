//! One connection to LaunchDarkly's streaming API: its events, whatever they say.

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
use super::signal::{Greeting, Refusal};
use super::sse::{Decoder, Frame};

const SETTING: &str = "STREAM_URI";

/// What a stream tells.
pub enum StreamSignal {
    /// LaunchDarkly answers as it should.
    Connected(Greeting),
    /// Bytes came that complete nothing.
    Alive,
    /// An event or another block, complete since the moment.
    Frame(Frame, Instant),
}

/// One connection. Ends with the first refusal; dropping it closes the connection.
pub struct EventStream {
    /// When everything was asked for.
    pub(super) asked: Instant,
    state: ResponseState,
    deadline: Instant,
    read_timeout: Duration,
    /// It has said everything once.
    complete: bool,
    /// Of an event that had not ended when the deadline was last set, so many bytes had come.
    progress: usize,
    heard: bool,
    decoder: Decoder,
    frames: Vec<Frame>,
    ready: VecDeque<Result<StreamSignal, Refusal>>,
}

enum ResponseState {
    Opening(BoxFuture<'static, reqwest::Result<Response>>),
    Open(Box<Response>),
}

impl EventStream {
    /// Begins to connect to this path with this key.
    pub(super) fn open(client: &Client, path: &str, key: &SecretString) -> Self {
        let request = client
            .stream(path, key)
            .header(ACCEPT, "text/event-stream")
            .header(CACHE_CONTROL, "no-cache")
            .send();
        let (now, read_timeout) = (Instant::now(), client.endpoints.read_timeout);
        Self {
            asked: now,
            state: ResponseState::Opening(Box::pin(request)),
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
    pub async fn next(&mut self) -> Result<StreamSignal, Refusal> {
        loop {
            if let Some(signal) = self.ready.pop_front() {
                return signal;
            }
            match &mut self.state {
                ResponseState::Opening(request) => {
                    let response = timeout_at(self.deadline, request).await;
                    let response = response
                        .map_err(|_| Refusal::Silent(self.read_timeout.min(HEADERS_TIMEOUT)))?;
                    let response = accept(response.map_err(|error| network(&error, SETTING))?)?;
                    let greeting = Greeting::of(response.headers());
                    self.state = ResponseState::Open(Box::new(response));
                    self.deadline = Instant::now() + self.read_timeout;
                    return Ok(StreamSignal::Connected(greeting));
                }
                ResponseState::Open(response) => {
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

    /// What came at this moment was everything. From now on signs of life keep the stream open; one that never says
    /// everything is of no use.
    pub fn said_everything(&mut self, received: Instant) {
        self.complete = true;
        self.deadline = self.deadline.max(received + self.read_timeout);
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
        let frames = self.frames.drain(..);
        self.ready
            .extend(frames.map(|frame| Ok(StreamSignal::Frame(frame, now))));
        if self.complete {
            self.deadline = now + self.read_timeout;
        }
        if let Err(broken) = decoded {
            self.ready.push_back(Err(broken.into()));
        } else if self.ready.is_empty() {
            self.ready.push_back(Ok(StreamSignal::Alive));
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
