//! Why events are decoded by our own decoder and not by the crate `eventsource-client`: both read the same bytes.
//!
//! They agree on ordinary streams. Where they differ, the crate does what a client of LaunchDarkly's must not do; should a
//! later version of it mend that, the test that fails says so.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bytes::Bytes;
use eventsource_client::{Client, ClientBuilder, Error, ReconnectOptions, SSE};
use futures_util::StreamExt;
use futures_util::stream::iter;
use launchdarkly_sdk_transport::{ByteStream, HttpTransport, Request, Response, ResponseFuture};
use ld_dynamodb_relay::launchdarkly::sse::{Broken, Decoder, Frame};
use proptest::prelude::*;

/// Answers every request with these chunks.
#[derive(Clone)]
struct Chunks(Vec<Bytes>);

impl HttpTransport for Chunks {
    fn request(&self, _: Request<Option<Bytes>>) -> ResponseFuture {
        let body: ByteStream = Box::pin(iter(self.0.clone().into_iter().map(Ok)));
        Box::pin(std::future::ready(Ok(Response::new(body))))
    }
}

/// What the crate makes of a stream: what it tells of it, and how it ends.
fn theirs(chunks: &[&[u8]]) -> (Vec<Frame>, Error) {
    let chunks = chunks
        .iter()
        .map(|chunk| Bytes::copy_from_slice(chunk))
        .collect();
    let client = ClientBuilder::for_url("http://127.0.0.1/all")
        .unwrap()
        .reconnect(ReconnectOptions::reconnect(false).build())
        .build_with_transport(Chunks(chunks));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mut stream, mut frames, mut end) = (client.stream(), Vec::new(), None);
        while let Some(told) = stream.next().await {
            match told {
                Ok(SSE::Event(event)) => frames.push(Frame::Event {
                    name: event.event_type,
                    data: event.data,
                }),
                Ok(SSE::Comment(_)) => frames.push(Frame::Comment),
                Ok(SSE::Connected(_)) => {}
                Err(error) => end = end.or(Some(error)),
            }
        }
        (frames, end.unwrap())
    })
}

/// What we make of it.
fn ours(chunks: &[&[u8]], limit: usize) -> Result<Vec<Frame>, Broken> {
    let (mut decoder, mut frames) = (Decoder::new(limit), Vec::new());
    for chunk in chunks {
        decoder.push(chunk, &mut frames)?;
    }
    Ok(frames)
}

const LIMIT: usize = 1 << 20;

fn event(name: &str, data: &str) -> Frame {
    Frame::Event {
        name: name.into(),
        data: data.into(),
    }
}

/// Events with data, and comments between and in them, as LaunchDarkly sends them.
fn ordinary() -> impl Strategy<Value = Vec<u8>> {
    let text = || "[a-z {}:\"é🚀]{0,9}";
    let block = (
        prop::option::of(text()),
        prop::collection::vec(text(), 1..4),
        prop::option::of(text()),
        prop::sample::select(vec!["\n", "\r", "\r\n"]),
        any::<bool>(),
    );
    (prop::collection::vec(block, 0..6), any::<bool>()).prop_map(|(blocks, mark)| {
        let mut text = if mark {
            "\u{feff}".to_owned()
        } else {
            String::new()
        };
        for (name, data, comment, end, first) in blocks {
            let mut lines: Vec<_> = data.iter().map(|data| format!("data: {data}")).collect();
            lines.extend(name.map(|name| format!("event: {name}")));
            if first {
                lines.reverse();
            }
            lines.extend(comment.map(|comment| format!(":{comment}")));
            for line in lines {
                text += &line;
                text += end;
            }
            text += end;
        }
        text.into_bytes()
    })
}

proptest! {
    #[test]
    fn ordinary_streams_mean_the_same_to_both(
        bytes in ordinary(),
        at in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
    ) {
        let mut places: Vec<_> = at.iter().map(|it| it.index(bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        let chunks: Vec<_> = places.windows(2).map(|it| &bytes[it[0]..it[1]]).collect();
        let (frames, end) = theirs(&chunks);
        prop_assert!(matches!(end, Error::Eof), "{end}");
        prop_assert_eq!(frames, ours(&chunks, LIMIT).unwrap());
    }
}

/// Unknown fields are to be ignored; to the crate a block of nothing else is the end of the stream.
#[test]
fn a_block_of_unknown_fields_ends_the_crates_stream() {
    let bytes: &[u8] = b"foo: bar\n\nevent: put\ndata: 1\n\n";
    let (frames, end) = theirs(&[bytes]);
    assert!(matches!(end, Error::InvalidEvent), "{end}");
    assert_eq!(frames, []);
    assert_eq!(ours(&[bytes], LIMIT), Ok(vec![event("put", "1")]));
}

/// The server's wish for another delay is lost when it comes by itself.
#[test]
fn the_crate_swallows_a_delay_that_comes_alone() {
    let bytes: &[u8] = b"retry: 1500\n\nevent: put\ndata: 1\n\n";
    let client = ClientBuilder::for_url("http://127.0.0.1/all").unwrap();
    let client = client.build_with_transport(Chunks(vec![Bytes::from_static(bytes)]));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let told: Vec<_> = runtime.block_on(client.stream().take(2).collect());
    let [Ok(SSE::Connected(_)), Ok(SSE::Event(first))] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!((&*first.event_type, first.retry), ("put", None));
    assert_eq!(
        ours(&[bytes], LIMIT),
        Ok(vec![Frame::Retry(1_500), event("put", "1")])
    );
}

/// `reconnect` of auto-configuration may come without data.
#[test]
fn the_crate_drops_an_event_without_data() {
    let bytes: &[u8] = b"event: reconnect\n\nevent: put\ndata: 1\n\n";
    assert_eq!(theirs(&[bytes]).0, [event("put", "1")]);
    assert_eq!(
        ours(&[bytes], LIMIT),
        Ok(vec![event("reconnect", ""), event("put", "1")])
    );
}

/// Whatever comes is gathered until a line ends: one answer can take all memory.
#[test]
fn the_crate_has_no_limit_for_a_line() {
    let chunk = vec![b'x'; LIMIT / 4];
    let mut chunks = vec![&b"data: "[..]];
    chunks.extend(std::iter::repeat_n(&*chunk, 32));
    chunks.push(b"\n\n");
    let (frames, _) = theirs(&chunks);
    assert_eq!(frames, [event("message", &"x".repeat(8 * LIMIT))]);
    assert_eq!(ours(&chunks, LIMIT), Err(Broken::TooLong(LIMIT)));
}
