//! Bodies that are too large, too slow or too many: bounded, and answered.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Request;
use axum::response::Response;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use hyper::body::{Frame, SizeHint};
use ld_dynamodb_relay::http;
use ld_dynamodb_relay::webhook::WebhookResult;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::webhook::{SECRET, flag_in, post, signed};
use crate::world::{World, good};

const MIB: usize = 1024 * 1024;
const TOO_LARGE: &str = "the body is larger than 1 MiB; or it is larger than 64 KiB and signed with none of the secrets that \
    are tried for such a body: have it sent to /webhook/<environment>";

fn world() -> World {
    World::new(&[("production", good)]).with_secrets(&[SECRET])
}

/// As many bytes as anybody reads, and how many that were.
fn endless() -> (Body, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&read);
    let chunk = Bytes::from(vec![b'x'; 64 * 1_024]);
    let chunks = stream::repeat_with(move || {
        count.fetch_add(chunk.len(), Ordering::SeqCst);
        Ok::<_, Infallible>(chunk.clone())
    });
    (Body::from_stream(chunks), read)
}

/// Begins, and then nothing more comes.
fn hanging() -> Body {
    let begin = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
    Body::from_stream(begin.chain(stream::pending()))
}

#[tokio::test]
async fn a_mebibyte_is_read_and_more_is_too_large() {
    let world = world();
    let whole = format!(r#"{{"kind":"flag","comment":"{}"}}"#, "x".repeat(MIB));
    let excess = whole.len() - MIB;
    let largest = whole.replacen(&"x".repeat(excess), "", 1);
    assert_eq!(largest.len(), MIB);
    assert_eq!(signed(&world, "/webhook", &largest, SECRET).await.0, 202);
    let larger = largest.replacen('x', "xx", 1);
    let answer = signed(&world, "/webhook", &larger, SECRET).await;
    assert_eq!(answer, (413, format!("{TOO_LARGE}\n")));
    // Unsigned as well: nobody looks at it.
    assert_eq!(
        post(&world, "/webhook/elsewhere", larger, "00").await.0,
        413
    );
    assert_eq!(world.webhooks(WebhookResult::TooLarge), 2);
}

#[tokio::test]
async fn what_is_too_large_is_read_on_for_a_while_and_not_for_ever() {
    let world = world();
    let (body, read) = endless();
    assert_eq!(post(&world, "/webhook", body, "00").await.0, 413);
    let read = read.load(Ordering::SeqCst);
    assert!(read > 8 * MIB && read < 10 * MIB, "{read}");
}

#[tokio::test(start_paused = true)]
async fn who_sends_too_slowly_is_told_so_after_ten_seconds() {
    let world = world();
    let start = Instant::now();
    let answer = post(&world, "/webhook", hanging(), "00").await;
    assert_eq!(answer, (408, "the body did not come in time\n".to_owned()));
    assert_eq!(start.elapsed().as_secs(), 10);

    // A byte now and then does not help.
    let dripping = stream::unfold((), async |()| {
        tokio::time::interval_at(
            Instant::now() + Duration::from_secs(1),
            Duration::from_secs(1),
        )
        .tick()
        .await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b"x")), ()))
    });
    let start = Instant::now();
    let answer = post(&world, "/webhook", Body::from_stream(dripping), "00").await;
    assert_eq!((answer.0, start.elapsed().as_secs()), (408, 10));

    // Neither does it to have sent too much already.
    let large = stream::iter([Ok::<_, Infallible>(Bytes::from(vec![b'x'; MIB + 1]))]);
    let large = Body::from_stream(large.chain(stream::pending()));
    let start = Instant::now();
    let answer = post(&world, "/webhook", large, "00").await;
    assert_eq!((answer.0, start.elapsed().as_secs()), (413, 10));
    assert_eq!(world.webhooks(WebhookResult::TooSlow), 2);
}

#[tokio::test]
async fn who_breaks_off_was_too_slow() {
    let world = world();
    let broken = stream::iter([
        Ok(Bytes::from(flag_in("production", "1"))),
        Err(io::Error::from(io::ErrorKind::ConnectionReset)),
    ]);
    assert_eq!(
        post(&world, "/webhook", Body::from_stream(broken), "00")
            .await
            .0,
        408
    );
    assert_eq!(world.webhooks(WebhookResult::TooSlow), 1);
}

/// As many bytes as it says are still to come, and none of them comes.
struct Declared(u64);

impl HttpBody for Declared {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn what_says_that_it_is_too_large_is_taken_at_its_word() {
    let world = world();
    for (bytes, code) in [(MIB as u64, 408), (MIB as u64 + 1, 413), (u64::MAX, 413)] {
        let body = Body::new(Declared(bytes));
        assert_eq!(post(&world, "/webhook", body, "00").await.0, code);
    }
    assert_eq!(world.webhooks(WebhookResult::TooLarge), 2);
}

/// Begins with so many bytes, and then nothing more comes.
fn stuck_after(bytes: usize) -> Body {
    let begin = stream::iter([Ok::<_, Infallible>(Bytes::from(vec![b' '; bytes]))]);
    Body::from_stream(begin.chain(stream::pending()))
}

/// What so many of these that never end are answered, once that is polled.
fn all(world: &World, number: usize, bytes: usize) -> impl Future<Output = Vec<u16>> + use<> {
    let router = http::work(world.app.clone());
    let all = (0..number).map(move |_| {
        let body = stuck_after(bytes);
        let request = Request::post("/webhook").body(body).unwrap();
        router.clone().oneshot(request)
    });
    let codes = |answer: Result<Response, Infallible>| answer.unwrap().status().as_u16();
    join_all(all).map(move |answers| answers.into_iter().map(codes).collect())
}

/// The largest body that needs no room.
const SMALL: usize = 64 * 1_024;

#[tokio::test(start_paused = true)]
async fn small_bodies_wait_for_nobody() {
    let world = world();
    let mut small = std::pin::pin!(all(&world, 1_000, SMALL));
    let mut large = std::pin::pin!(all(&world, 32, SMALL + 1));
    assert!(futures_util::poll!(&mut small).is_pending());
    assert!(futures_util::poll!(&mut large).is_pending());

    let start = Instant::now();
    let body = flag_in("production", "1");
    assert_eq!(signed(&world, "/webhook", &body, SECRET).await.0, 202);
    assert_eq!(world.work("/livez").await.0.as_u16(), 200);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(small.await, [408; 1_000]);
    assert_eq!(large.await, [408; 32]);
}

#[tokio::test(start_paused = true)]
async fn thirty_two_large_bodies_are_taken_at_a_time() {
    let world = world();
    let mut slow = std::pin::pin!(all(&world, 32, SMALL + 1));
    assert!(futures_util::poll!(&mut slow).is_pending());
    tokio::time::advance(Duration::from_secs(1)).await;

    // Those that had the room lose it first.
    let start = Instant::now();
    let large = flag_in("production", "1") + &" ".repeat(SMALL);
    let waited = signed(&world, "/webhook", &large, SECRET);
    let (slow, waited) = tokio::join!(slow, waited);
    assert_eq!((slow, waited.0), (vec![408; 32], 202));
    assert_eq!(start.elapsed(), Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn a_large_body_without_room_in_time_is_to_be_sent_again() {
    let world = world();
    let (send, chunks) = mpsc::unbounded_channel::<usize>();
    let chunks = stream::unfold(chunks, async |mut chunks| {
        let chunk = vec![b' '; chunks.recv().await?];
        Some((Ok::<_, Infallible>(Bytes::from(chunk)), chunks))
    });
    send.send(1).unwrap();
    let body = Body::from_stream(chunks);
    let request = Request::post("/webhook").body(body).unwrap();
    let mut busy = std::pin::pin!(http::work(world.app.clone()).oneshot(request));
    assert!(futures_util::poll!(&mut busy).is_pending());
    tokio::time::advance(Duration::from_secs(1)).await;

    // They came later, but have the room when it needs some, and longer than it has time.
    let mut slow = std::pin::pin!(all(&world, 32, SMALL + 1));
    assert!(futures_util::poll!(&mut slow).is_pending());
    send.send(SMALL).unwrap();
    let (busy, slow) = tokio::join!(busy, slow);
    let busy = busy.unwrap();
    assert_eq!((busy.status().as_u16(), slow), (503, vec![408; 32]));
    assert_eq!(busy.headers()["retry-after"], "10");
    assert_eq!(world.webhooks(WebhookResult::Busy), 1);
}
