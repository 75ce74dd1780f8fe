//! Bytes to frames, wherever the bytes are cut.

use ld_dynamodb_relay::launchdarkly::sse::{Broken, Decoder, Frame};
use proptest::prelude::*;

use crate::streams::{LIMIT, cut, decode, stream};

proptest! {
    #[test]
    fn a_stream_says_what_was_meant_however_it_is_cut(
        (bytes, meant) in stream(),
        at in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        prop_assert_eq!(decode(&[&bytes], LIMIT), (meant.clone(), Ok(())));
        prop_assert_eq!(decode(&cut(&bytes, &at), LIMIT), (meant.clone(), Ok(())));
        let single: Vec<_> = bytes.chunks(1).collect();
        prop_assert_eq!(decode(&single, LIMIT), (meant, Ok(())));
    }

    /// What is no event stream is refused at the same place, whatever the chunks are, and nothing panics.
    #[test]
    fn any_bytes_are_read_the_same_however_they_are_cut(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            prop::collection::vec(prop::sample::select(b"\r\n:dat ev\xEF\xBB\xBF\xFF\0".to_vec()), 0..200),
        ],
        limit in 1..60_usize,
        at in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        prop_assert_eq!(decode(&cut(&bytes, &at), limit), decode(&[&bytes], limit));
    }

    #[test]
    fn an_event_has_a_limit_whatever_it_consists_of(
        lines in prop::collection::vec("data: [a-z]{0,30}", 1..20),
        limit in 1..200_usize,
    ) {
        let text = lines.join("\n") + "\n\n";
        let whole = lines.iter().map(|line| line.len() - "data: ".len() + 1).sum::<usize>() - 1;
        let (frames, end) = decode(&[text.as_bytes()], limit);
        if whole > limit {
            prop_assert_eq!((frames, end), (Vec::new(), Err(Broken::TooLong(limit))));
        } else if whole + "data: ".len() + 30 <= limit {
            prop_assert_eq!((frames.len(), end), (1, Ok(())));
        }
    }
}

/// A line that never ends is not gathered beyond the limit.
#[test]
fn a_line_has_a_limit_before_it_ends() {
    let (mut decoder, mut frames) = (Decoder::new(1_000), Vec::new());
    let pushed = (0..100).find(|_| decoder.push(&[b'x'; 100], &mut frames).is_err());
    assert_eq!((pushed, frames), (Some(10), Vec::new()));
}

#[test]
fn an_event_that_is_cut_off_is_dropped() {
    for end in ["", "\n", "\r\n"] {
        let text = format!("event: put\ndata: {{}}{end}");
        assert_eq!(decode(&[text.as_bytes()], LIMIT), (Vec::new(), Ok(())));
    }
}

/// `reconnect` of auto-configuration may come without data.
#[test]
fn an_event_with_a_name_and_no_data_is_one() {
    let event = |name: &str| Frame::Event {
        name: name.into(),
        data: String::new(),
    };
    assert_eq!(
        decode(&[b"event: reconnect\n\nevent\n\n\n"], LIMIT).0,
        [event("reconnect"), event("message")]
    );
}

#[test]
fn a_mark_is_dropped_only_at_the_start() {
    let (frames, end) = decode(&[b"\xEF\xBB\xBFdata: a\n\n\xEF\xBB\xBFdata: b\n\n"], LIMIT);
    assert_eq!((frames.len(), end), (1, Ok(())));
}

#[test]
fn a_line_that_is_not_utf8_breaks_the_stream() {
    for line in ["data: \u{1}", "event: \u{1}", "foo: \u{1}", "retry: \u{1}"] {
        let mut bytes = b": fine\n".to_vec();
        bytes.extend(line.bytes().map(|byte| if byte == 1 { 0xFF } else { byte }));
        bytes.push(b'\n');
        assert_eq!(
            decode(&[&bytes], LIMIT),
            (vec![Frame::Comment], Err(Broken::Utf8)),
            "{line}"
        );
    }
}
