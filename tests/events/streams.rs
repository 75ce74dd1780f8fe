//! Streams of server-sent events, generated with what they mean.

use ld_dynamodb_relay::launchdarkly::sse::{Broken, Decoder, Frame};
use proptest::prelude::*;

/// Larger than anything that is generated.
pub(crate) const LIMIT: usize = 1 << 20;

/// All frames of these chunks.
pub(crate) fn decode(chunks: &[&[u8]], limit: usize) -> (Vec<Frame>, Result<(), Broken>) {
    let (mut decoder, mut frames) = (Decoder::new(limit), Vec::new());
    for chunk in chunks {
        if let Err(broken) = decoder.push(chunk, &mut frames) {
            return (frames, Err(broken));
        }
    }
    (frames, Ok(()))
}

/// `bytes`, cut at these places.
pub(crate) fn cut<'a>(bytes: &'a [u8], at: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = at.iter().map(|it| it.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|it| &bytes[it[0]..it[1]]).collect()
}

/// Text of one line, with characters of one to four bytes.
fn line_text() -> impl Strategy<Value = String> {
    "[a-z: {}\"é☃🚀\u{2028}\u{feff}]{0,12}"
}

/// A line without its end.
#[derive(Clone, Debug)]
enum Line {
    Event(String),
    Data(String),
    Comment(String),
    Retry(u64),
    Other(String),
    Blank,
}

fn line() -> impl Strategy<Value = (Line, String)> {
    let line = prop_oneof![
        3 => line_text().prop_map(Line::Event),
        5 => line_text().prop_map(Line::Data),
        1 => line_text().prop_map(Line::Comment),
        1 => (0..100_000_u64).prop_map(Line::Retry),
        1 => prop_oneof![
            Just("id: 7".to_owned()), Just("foo".to_owned()), Just("Data: x".to_owned()),
            Just(" data: x".to_owned()), Just("retry: soon".to_owned()), Just("retry: +5".to_owned()),
            Just("retry:".to_owned()),
        ].prop_map(Line::Other),
        4 => Just(Line::Blank),
    ];
    let end = prop::sample::select(vec!["\n", "\r", "\r\n"]).prop_map(ToOwned::to_owned);
    (line, end)
}

impl Line {
    /// As it is sent; one space after the colon says nothing.
    fn text(&self, space: bool) -> String {
        let space = if space { " " } else { "" };
        match self {
            Self::Event(value) => field("event", value, space),
            Self::Data(value) => field("data", value, space),
            Self::Comment(text) => format!(":{space}{text}"),
            Self::Retry(delay) => format!("retry:{space}{delay}"),
            Self::Other(text) => text.clone(),
            Self::Blank => String::new(),
        }
    }
}

fn field(name: &str, value: &str, space: &str) -> String {
    // A name alone is a field without value.
    if value.is_empty() && space.is_empty() {
        return name.to_owned();
    }
    // A value that begins with a space needs the one that is dropped.
    let space = if value.starts_with(' ') { " " } else { space };
    format!("{name}:{space}{value}")
}

/// A stream and what it says.
pub(crate) fn stream() -> impl Strategy<Value = (Vec<u8>, Vec<Frame>)> {
    (
        prop::collection::vec((line(), any::<bool>()), 0..24),
        any::<bool>(),
    )
        .prop_map(|(lines, mark)| {
            let mut text = if mark {
                "\u{feff}".to_owned()
            } else {
                String::new()
            };
            let (mut frames, mut name, mut data) = (Vec::new(), None::<String>, None::<String>);
            for ((line, end), space) in lines {
                // After CR, a blank line that ends with LF would be the second half of one line end.
                let end = if text.ends_with('\r') && matches!(line, Line::Blank) {
                    "\r"
                } else {
                    &*end
                };
                text += &line.text(space);
                text += end;
                match line {
                    Line::Event(value) => name = Some(value),
                    Line::Data(value) => match &mut data {
                        Some(data) => {
                            data.push('\n');
                            data.push_str(&value);
                        }
                        none => *none = Some(value),
                    },
                    Line::Comment(_) => frames.push(Frame::Comment),
                    Line::Retry(delay) => frames.push(Frame::Retry(delay)),
                    Line::Other(_) => {}
                    Line::Blank => {
                        if name.is_some() || data.is_some() {
                            let name = name.take().filter(|name| !name.is_empty());
                            frames.push(Frame::Event {
                                name: name.unwrap_or_else(|| "message".into()),
                                data: data.take().unwrap_or_default(),
                            });
                        }
                    }
                }
            }
            (text.into_bytes(), frames)
        })
}
