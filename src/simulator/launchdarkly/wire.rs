//! The bytes of an answer: events, in chunks, at a pace, up to where they are cut.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep, timeout};

use super::behaviour::{Behaviour, CutAt, Then};
use super::stream::Open;
use crate::simulator::server::Link;

const CHUNK: usize = 16 << 10;
/// Chunks below this leave one by one, so that they arrive so.
const SMALL: usize = 512;
const BOM: &[u8] = "\u{feff}".as_bytes();

/// How lines of a stream end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// `\n`
    Lf,
    /// `\r\n`
    CrLf,
    /// `\r`
    Cr,
}

impl LineEnd {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
            Self::Cr => "\r",
        }
    }
}

/// What an open stream is told to send.
#[derive(Clone, Debug)]
pub(super) enum Message {
    Event(&'static str, Bytes),
    Named(String, Bytes),
    Raw(Bytes),
    Heartbeat,
    Close,
    Cut,
}

/// An event as it is sent. Data of several lines takes several `data:` lines.
pub(super) fn event(name: &str, data: &[u8], end: LineEnd) -> Bytes {
    let end = end.as_str().as_bytes();
    let mut bytes = Vec::with_capacity(data.len() + name.len() + 32);
    bytes.extend_from_slice(b"event: ");
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(end);
    let mut rest = data;
    loop {
        let line = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        bytes.extend_from_slice(b"data: ");
        bytes.extend_from_slice(&rest[..line.unwrap_or(rest.len())]);
        bytes.extend_from_slice(end);
        let Some(line) = line else { break };
        let both = rest[line..].starts_with(b"\r\n");
        rest = &rest[line + 1 + usize::from(both)..];
    }
    bytes.extend_from_slice(end);
    bytes.into()
}

/// An answer on its way.
pub(super) struct Outgoing {
    queue: VecDeque<Bytes>,
    messages: Option<UnboundedReceiver<Message>>,
    deaf: bool,
    line_end: LineEnd,
    chunk: usize,
    bytes_per_second: Option<usize>,
    heartbeat: Option<Duration>,
    then: Then,
    sent: usize,
    cut_at: Option<usize>,
    link: Link,
    /// The stream counts as open until this is dropped.
    open: Option<Open>,
}

impl Outgoing {
    /// `first` and what follows it.
    pub(super) fn new(behaviour: &Behaviour, first: Bytes, link: Link) -> Self {
        let bom = usize::from(behaviour.bom) * BOM.len();
        let cut_at = match behaviour.cut {
            None => None,
            Some(CutAt::Byte(bytes)) => Some(bytes),
            Some(CutAt::InsideCharacter) => first
                .iter()
                .position(|byte| !byte.is_ascii())
                .map(|at| bom + at + 1),
        };
        let mut queue = VecDeque::new();
        if behaviour.bom {
            queue.push_back(Bytes::from_static(BOM));
        }
        queue.push_back(first);
        let slowly = behaviour
            .bytes_per_second
            .map_or(CHUNK, |rate| (rate / 20).max(1));
        Self {
            queue,
            messages: None,
            deaf: behaviour.deaf,
            line_end: behaviour.line_end,
            chunk: behaviour.chunk.unwrap_or(slowly).max(1),
            bytes_per_second: behaviour.bytes_per_second,
            heartbeat: behaviour.heartbeat,
            then: behaviour.then,
            sent: 0,
            cut_at,
            link,
            open: None,
        }
    }

    /// Stays open for what is said later.
    pub(super) fn follow(mut self, messages: UnboundedReceiver<Message>, open: Open) -> Self {
        self.messages = Some(messages);
        self.open = Some(open);
        self
    }

    /// Ends with `first`. Without a knob turned, its length is told.
    pub(super) fn end(mut self) -> Body {
        let plain = self.chunk == CHUNK && self.cut_at.is_none() && self.then == Then::StayOpen;
        if plain && self.queue.len() == 1 {
            return Body::from(self.queue.pop_front().unwrap_or_default());
        }
        if self.then == Then::StayOpen {
            self.then = Then::Close;
        }
        self.into_body()
    }

    pub(super) fn into_body(self) -> Body {
        Body::from_stream(stream::unfold(self, |mut outgoing| async {
            let bytes = outgoing.next().await?;
            Some((Ok::<_, Infallible>(bytes), outgoing))
        }))
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.cut_at == Some(self.sent) {
                return self.link.cut_after_the_last_byte().await;
            }
            if let Some(bytes) = self.next_chunk().await {
                return Some(bytes);
            }
            match self.then {
                Then::StayOpen => {}
                Then::Close => return None,
                Then::Cut => return self.link.cut_after_the_last_byte().await,
            }
            match self.listen().await? {
                Message::Close => self.then = Then::Close,
                Message::Cut => self.then = Then::Cut,
                _ if self.deaf => {}
                Message::Event(name, data) => self.push(event(name, &data, self.line_end)),
                Message::Named(name, data) => self.push(event(&name, &data, self.line_end)),
                Message::Raw(bytes) => self.push(bytes),
                Message::Heartbeat => self.push(format!(":{}", self.line_end.as_str()).into()),
            }
        }
    }

    fn push(&mut self, bytes: Bytes) {
        self.queue.push_back(bytes);
    }

    async fn next_chunk(&mut self) -> Option<Bytes> {
        while self.queue.front()?.is_empty() {
            self.queue.pop_front();
        }
        let waiting = self.queue.front_mut()?;
        let until_cut = self.cut_at.map_or(usize::MAX, |at| at - self.sent);
        let bytes = waiting.split_to(waiting.len().min(self.chunk).min(until_cut));
        self.sent += bytes.len();
        if let Some(rate) = self.bytes_per_second {
            let rate = u32::try_from(rate).unwrap_or(u32::MAX).max(1);
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            sleep(Duration::from_secs(1) * length / rate).await;
        } else if self.chunk < SMALL {
            tokio::task::yield_now().await;
        }
        Some(bytes)
    }

    /// The next thing to send; a comment when nothing came for long; `None` when the environment is gone.
    async fn listen(&mut self) -> Option<Message> {
        let Some(messages) = &mut self.messages else {
            return std::future::pending().await;
        };
        match self.heartbeat {
            None => messages.recv().await,
            Some(each) => timeout(each, messages.recv())
                .await
                .unwrap_or(Some(Message::Heartbeat)),
        }
    }
}
