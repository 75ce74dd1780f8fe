//! What holds for any stream of protocol 1: it says the same however its bytes are cut, within the limit, and what it says
//! is what came. The input is a stream, and also the data of one event.

use ld_dynamodb_relay::launchdarkly::fdv1::{self, Said};
use ld_dynamodb_relay::launchdarkly::sse::{Broken, Decoder, Frame};
use ld_dynamodb_relay::model::{Content, Item, ItemFault, ItemKey};
use serde_json::value::RawValue;

pub(crate) fn check(input: &[u8]) {
    for limit in [usize::MAX / 2, input.len() / 2, 16] {
        let whole = decode([input], limit);
        assert_eq!(whole, decode(input.chunks(1), limit));
        assert_eq!(whole, decode(pieces(input), limit));
        within(&whole, limit);
        if limit > input.len() {
            events(&whole.frames);
        }
    }
    if let Ok(text) = std::str::from_utf8(input) {
        for event in ["put", "patch", "delete"] {
            data(event, text);
        }
        if let Ok(set) = fdv1::full(text) {
            for (key, item) in &set {
                verbatim(key, item, text);
            }
        }
    }
}

/// What a stream came to.
#[derive(Debug, PartialEq)]
struct Decoded {
    frames: Vec<Frame>,
    end: Result<(), Broken>,
    within_event: bool,
}

fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, limit: usize) -> Decoded {
    let (mut decoder, mut frames) = (Decoder::new(limit), Vec::new());
    let end = chunks
        .into_iter()
        .try_for_each(|chunk| decoder.push(chunk, &mut frames));
    Decoded {
        frames,
        end,
        // After an error the decoder is of no use.
        within_event: end.is_ok() && decoder.bytes_within_event() > 0,
    }
}

/// The input in pieces of one to sixteen bytes, as its own bytes have it.
fn pieces(mut input: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while let Some(last) = input.last() {
        let length = 1 + usize::from(input[0] ^ last) % 16;
        let (piece, rest) = input.split_at(length.min(input.len()));
        pieces.push(piece);
        input = rest;
    }
    pieces
}

fn within(decoded: &Decoded, limit: usize) {
    for frame in &decoded.frames {
        if let Frame::Event { name, data } = frame {
            assert!(!name.is_empty());
            assert!(data.len() <= limit && name.len() <= limit.max("message".len()));
        }
    }
    if let Err(Broken::TooLong(told)) = decoded.end {
        assert_eq!(told, limit);
    }
}

fn events(frames: &[Frame]) {
    for frame in frames {
        if let Frame::Event { name, data: text } = frame {
            data(name, text);
        }
    }
}

fn data(event: &str, text: &str) {
    match fdv1::read(event, text) {
        Ok(Said::Full(set)) => {
            assert_eq!(event, "put");
            for (key, item) in &set {
                verbatim(key, item, text);
            }
        }
        Ok(Said::Newer(key, item)) => {
            assert!(event == "delete" || event == "patch");
            assert!(event == "patch" || item.is_tombstone());
            assert!(!key.key.is_empty());
            let aside = Content::Malformed(ItemFault::KeyLength);
            assert!(item.version().is_some() || item.content == aside);
            verbatim(&key, &item, text);
        }
        Ok(Said::Hint) => assert!(event.starts_with("indirect/")),
        Ok(Said::Unknown(_)) | Err(_) => {}
    }
}

/// An item is the text that came, or the tombstone of its version; read again it is the same.
fn verbatim(key: &ItemKey, item: &Item, text: &str) {
    match item.content {
        Content::Tombstone { version } => assert!(*item == Item::tombstone(key, version)),
        Content::Live { .. } | Content::Malformed(_) => assert!(text.contains(&*item.text)),
    }
    // A deletion is made by us, so its key has not been looked at.
    if key.key.len() <= ld_dynamodb_relay::model::MAX_KEY_BYTES {
        let raw = RawValue::from_string(item.text.as_ref().to_owned());
        assert!(raw.is_ok_and(|raw| Item::parse(key, &raw) == *item));
    }
}
