//! How one attempt of a client is answered: as it should be, or in any of the ways in which it goes wrong.

use std::time::Duration;

use super::wire::LineEnd;

/// LaunchDarkly sends a comment about that often.
const HEARTBEAT: Duration = Duration::from_mins(3);

/// How an attempt is answered.
#[derive(Clone, Debug)]
#[must_use = "hand it to an environment: Environment::next"]
pub struct Behaviour {
    pub(super) delay: Duration,
    pub(super) answer: Answer,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content_type: Option<String>,
    pub(super) first: First,
    pub(super) then: Then,
    pub(super) line_end: LineEnd,
    pub(super) bom: bool,
    pub(super) chunk: Option<usize>,
    pub(super) bytes_per_second: Option<usize>,
    pub(super) cut: Option<CutAt>,
    pub(super) heartbeat: Option<Duration>,
    pub(super) deaf: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Answer {
    AsAsked,
    Status(u16, Vec<u8>),
    Cut,
    Never,
}

#[derive(Clone, Debug)]
pub(super) enum First {
    Put,
    Bytes(Vec<u8>),
    GzipBomb(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    StayOpen,
    Close,
    Cut,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum CutAt {
    Byte(usize),
    InsideCharacter,
}

impl Behaviour {
    const fn new(answer: Answer) -> Self {
        Self {
            delay: Duration::ZERO,
            answer,
            headers: Vec::new(),
            content_type: None,
            first: First::Put,
            then: Then::StayOpen,
            line_end: LineEnd::Lf,
            bom: false,
            chunk: None,
            bytes_per_second: None,
            cut: None,
            heartbeat: Some(HEARTBEAT),
            deaf: false,
        }
    }

    // What is answered.

    /// As LaunchDarkly does: the start for everything that goes wrong only later.
    pub const fn normal() -> Self {
        Self::new(Answer::AsAsked)
    }

    /// This status and no body.
    pub const fn status(status: u16) -> Self {
        Self::new(Answer::Status(status, Vec::new()))
    }

    /// 200 and a page of HTML, as captive portals and load balancers have it.
    pub fn html() -> Self {
        Self::new(Answer::Status(
            200,
            b"<!doctype html><title>Sign in</title>".to_vec(),
        ))
        .content_type("text/html; charset=utf-8")
    }

    /// 200, the right content type, no byte, a clean end.
    pub fn nothing_then_close() -> Self {
        Self::bytes("").then_close()
    }

    /// A redirect.
    pub fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::status(status).header("location", location)
    }

    /// These bytes instead of the `put` or of the polled data set, under the right status and content type.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        let mut behaviour = Self::normal();
        behaviour.first = First::Bytes(bytes.into());
        behaviour
    }

    /// Headers and then not a byte, for ever.
    pub fn silence() -> Self {
        Self::bytes("").then_stall()
    }

    /// No answer at all, while the connection stays.
    pub const fn never() -> Self {
        Self::new(Answer::Never)
    }

    /// The connection is cut before the headers.
    pub const fn cut() -> Self {
        Self::new(Answer::Cut)
    }

    /// For polls: gzip that unpacks to so many bytes of white space.
    pub fn gzip_bomb(bytes: usize) -> Self {
        let mut behaviour = Self::normal().header("content-encoding", "gzip");
        behaviour.first = First::GzipBomb(bytes);
        behaviour
    }

    // How it is answered.

    /// The headers come only after this.
    pub const fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// With a header more.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With another content type.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Events with these line ends.
    pub const fn line_end(mut self, line_end: LineEnd) -> Self {
        self.line_end = line_end;
        self
    }

    /// A byte order mark first.
    pub const fn with_bom(mut self) -> Self {
        self.bom = true;
        self
    }

    /// In chunks of at most so many bytes. Small ones are sent one by one.
    pub const fn in_chunks_of(mut self, bytes: usize) -> Self {
        self.chunk = Some(bytes);
        self
    }

    /// No faster than this.
    pub const fn bytes_per_second(mut self, bytes: usize) -> Self {
        self.bytes_per_second = Some(bytes);
        self
    }

    /// Another time between comments than three minutes; `None`: no comments.
    pub const fn heartbeat(mut self, each: Option<Duration>) -> Self {
        self.heartbeat = each;
        self
    }

    // How it ends.

    /// The connection is cut after so many bytes of the body.
    pub const fn cut_after(mut self, bytes: usize) -> Self {
        self.cut = Some(CutAt::Byte(bytes));
        self
    }

    /// The connection is cut after the first byte of the first character that has more than one.
    pub const fn cut_inside_a_character(mut self) -> Self {
        self.cut = Some(CutAt::InsideCharacter);
        self
    }

    /// A clean end after the first event.
    pub const fn then_close(mut self) -> Self {
        self.then = Then::Close;
        self
    }

    /// The connection is cut after the first event.
    pub const fn then_cut(mut self) -> Self {
        self.then = Then::Cut;
        self
    }

    /// After the first event nothing comes any more, neither change nor comment.
    pub const fn then_stall(mut self) -> Self {
        self.deaf = true;
        self.heartbeat = None;
        self
    }
}
