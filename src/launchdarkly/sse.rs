//! Server-sent events: bytes in, events out. Pure.
//!
//! Chunks may be cut anywhere. Lines end with LF, CR or CR LF; a byte order mark at the start is dropped.

/// What a stream consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A block that had a name or data. Without a name it is called `message`.
    Event {
        /// Its name.
        name: String,
        /// Its data; several lines are joined with LF.
        data: String,
    },
    /// A comment: a sign of life.
    Comment,
    /// The server wants reconnections to begin with this delay, in milliseconds.
    Retry(u64),
}

/// Why the bytes are no such stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A line is not UTF-8.
    #[error("a line is not UTF-8")]
    Utf8,
    /// One event is longer than is accepted.
    #[error("an event is longer than MAX_EVENT_BYTES ({0} bytes)")]
    TooLong(usize),
}

/// Decodes one stream.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    line: Vec<u8>,
    /// Bytes at the start that may still turn out to be a byte order mark.
    at_start: bool,
    after_cr: bool,
    name: Option<String>,
    data: Option<String>,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Decoder {
    /// Of a stream whose events have `limit` bytes at most.
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            at_start: true,
            after_cr: false,
            name: None,
            data: None,
        }
    }

    /// Takes the next bytes and appends what they complete to `frames`. After an error the stream is of no use.
    pub fn push(&mut self, mut bytes: &[u8], frames: &mut Vec<Frame>) -> Result<(), Broken> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            self.line
                .extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
            if self.line.len() + self.data.as_ref().map_or(0, String::len) > self.limit {
                return Err(Broken::TooLong(self.limit));
            }
            let Some(end) = end else { break };
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            let mut line = std::mem::take(&mut self.line);
            if std::mem::take(&mut self.at_start) && line.starts_with(BYTE_ORDER_MARK) {
                line.drain(..BYTE_ORDER_MARK.len());
            }
            self.line(line, frames)?;
        }
        Ok(())
    }

    /// How many bytes have come of the event that is not complete yet.
    pub fn bytes_within_event(&self) -> usize {
        let in_line = matches!(self.line.first(), Some(first) if *first != b':');
        let line = if in_line { self.line.len() } else { 0 };
        line + self.data.as_ref().map_or(0, String::len)
    }

    /// The same if the event is called `name`; 0 if it has another name, or none yet.
    pub fn bytes_within(&self, name: &str) -> usize {
        let is_it = self.name.as_deref() == Some(name);
        if is_it { self.bytes_within_event() } else { 0 }
    }

    fn line(&mut self, mut line: Vec<u8>, frames: &mut Vec<Frame>) -> Result<(), Broken> {
        if line.is_empty() {
            if self.name.is_some() || self.data.is_some() {
                let name = self
                    .name
                    .take()
                    .filter(|name| !name.is_empty())
                    .unwrap_or_else(|| "message".into());
                frames.push(Frame::Event {
                    name,
                    data: self.data.take().unwrap_or_default(),
                });
            }
            return Ok(());
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let field = colon.unwrap_or(line.len());
        let value = match colon {
            Some(colon) if line.get(colon + 1) == Some(&b' ') => colon + 2,
            Some(colon) => colon + 1,
            None => line.len(),
        };
        match &line[..field] {
            b"" => {
                std::str::from_utf8(&line).map_err(|_| Broken::Utf8)?;
                frames.push(Frame::Comment);
            }
            b"event" => self.name = Some(text(line.split_off(value))?),
            b"data" => {
                // The one data line of a large event is moved, not copied.
                line.drain(..value);
                let value = text(line)?;
                match &mut self.data {
                    None => self.data = Some(value),
                    Some(data) => {
                        data.push('\n');
                        data.push_str(&value);
                    }
                }
            }
            b"retry" => {
                let value = text(line.split_off(value))?;
                // The number's own parser would take a sign.
                if value.bytes().all(|byte| byte.is_ascii_digit())
                    && let Ok(delay) = value.parse()
                {
                    frames.push(Frame::Retry(delay));
                }
            }
            _ => {
                std::str::from_utf8(&line).map_err(|_| Broken::Utf8)?;
            }
        }
        Ok(())
    }
}

fn text(bytes: Vec<u8>) -> Result<String, Broken> {
    String::from_utf8(bytes).map_err(|_| Broken::Utf8)
}
