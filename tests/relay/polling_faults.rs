//! What goes wrong with polls: what is stored stays, and nothing that was known before is trusted.

use std::time::Duration;

use ld_dynamodb_relay::config::SourceKind;
use ld_dynamodb_relay::model::ItemKey;
use ld_dynamodb_relay::simulator::Behaviour;
use ld_dynamodb_relay::status::{Facts, SourcePhase};
use tokio::time::Instant;

use crate::polling::{INTERVAL, is_unconditional, more, polling, polling_with, polls};
use crate::support::named::told;
use crate::support::{Relay, World, flag_with, flags};

fn status_of_error(facts: &Facts) -> Option<u16> {
    facts.last_error.as_ref().and_then(|it| it.status_code)
}

fn message(facts: &Facts) -> String {
    let error = facts.last_error.as_ref();
    error.map(|it| it.message.clone()).unwrap_or_default()
}

/// Whatever goes wrong, what is stored stays, the next poll comes no sooner than an interval later, and asks for everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_that_fails_is_made_again_after_an_interval_and_trusts_nothing_that_it_knew() {
    let cases = [
        ("answered 500", Behaviour::status(500)),
        ("answered 503", Behaviour::status(503)),
        ("answered 429", Behaviour::status(429)),
        ("answered 400", Behaviour::status(400)),
        ("answered 408", Behaviour::status(408)),
        (
            "check BASE_URI, PROXY_URL and the network",
            Behaviour::bytes(flags(0..20, 1).to_json()).cut_after(100),
        ),
        (
            "BASE_URI answered with text/html instead of JSON",
            Behaviour::html(),
        ),
        (
            "malformed answer, latest-all: neither flags nor segments",
            Behaviour::bytes(r#"{"message":"try again"}"#),
        ),
        (
            "malformed answer, latest-all: not JSON",
            Behaviour::bytes("no gzip, for what that says").header("content-encoding", "gzip"),
        ),
        (
            "BASE_URI answered with text/html instead of JSON",
            Behaviour::bytes(flags(0..1, 1).to_json()).content_type("text/html"),
        ),
        (
            "redirected to another host",
            Behaviour::redirect(302, "http://127.0.0.2:9/sdk/latest-all"),
        ),
        ("nothing came from LaunchDarkly for 2s", Behaviour::never()),
        (
            "nothing came from LaunchDarkly for 2s",
            Behaviour::bytes(flags(0..20, 1).to_json())
                .in_chunks_of(1 << 20)
                .bytes_per_second(1),
        ),
        (
            "malformed answer, latest-all: not JSON",
            Behaviour::bytes(r#"{"flags":{"#),
        ),
        (
            "malformed answer, latest-all: flags",
            Behaviour::bytes(r#"{"flags":7}"#),
        ),
        (
            "malformed answer, latest-all: not JSON",
            Behaviour::bytes([0xff, 0xfe]),
        ),
    ];
    let world = World::with_flags(20).await;
    let it = polling_with(&world, INTERVAL, |config| {
        config.upstream.read_timeout = Duration::from_secs(2);
    })
    .await;
    it.relay.settled().await;
    world.store.reset_counts();
    for (expected, behaviour) in cases {
        // One good poll lies between, so that bad data is not bad twice in a row.
        more(&world, 2).await;
        let before = polls(&world).len();
        let began = Instant::now();
        world.production.next_poll(behaviour);
        it.relay
            .until(expected, |facts| {
                let error = facts.last_error.as_ref();
                let is_new = error.is_some_and(|it| it.at.monotonic >= began);
                is_new && message(facts).contains(expected)
            })
            .await;
        let failed = Instant::now();
        it.relay
            .until("well again", |facts| {
                facts.source.0 == SourcePhase::Connected
            })
            .await;
        assert!(failed.elapsed() > INTERVAL.mul_f64(0.9), "{expected}");
        let asked = &polls(&world)[before..];
        let unconditional = asked.iter().filter(|poll| is_unconditional(poll)).count();
        assert_eq!(unconditional, 1, "{expected}");
        assert_eq!(world.store.counts().writes(), 0, "{expected}");
    }
    world.assert_equal();
    it.relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lasts_is_asked_again_after_minutes_and_keeps_what_is_stored() {
    for (status, phase) in [(401, SourcePhase::Refused), (404, SourcePhase::Refused)] {
        let world = World::with_flags(20).await;
        let it = polling(&world, INTERVAL).await;
        it.relay.settled().await;
        world.production.next_poll(Behaviour::status(status));
        it.relay
            .until("refused", |facts| status_of_error(facts) == Some(status))
            .await;
        assert_eq!(it.relay.facts().source.0, phase);
        let lines = told("polling", "WARN", "the connection to LaunchDarkly ended");
        let wait = lines
            .last()
            .unwrap()
            .split("retry_in_milliseconds=")
            .nth(1)
            .unwrap();
        let wait: u64 = wait.split(' ').next().unwrap().parse().unwrap();
        assert!((150_000..=300_000).contains(&wait), "{wait}");
        world.assert_equal();
        // An operator does not wait for it.
        it.control.sync();
        it.relay
            .until("well again", |facts| {
                facts.source.0 == SourcePhase::Connected
            })
            .await;
        it.relay.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_too_large_is_refused_however_small_it_was_sent() {
    let world = World::with_flags(20).await;
    let mut config = world.config();
    config.upstream.max_event_bytes = 1 << 20;
    config.upstream.poll_interval = INTERVAL;
    config.environments[0].source = SourceKind::Poll;
    let relay = Relay::start(config).await;
    relay.settled().await;
    world.production.next_poll(Behaviour::gzip_bomb(1 << 30));
    let expected = "the answer is larger than MAX_EVENT_BYTES (1048576 bytes)";
    relay
        .until("refused", |facts| message(facts) == expected)
        .await;
    world.assert_equal();
    relay.stop().await;
}

/// Some megabytes come over a way on which they take longer than a stream may be silent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_answer_has_time_while_it_comes() {
    let world = World::new().await;
    let padding = format!(r#","x":"{}""#, "y".repeat(10_000));
    let item = |number| {
        let key = format!("flag-{number}");
        (ItemKey::flag(&*key), flag_with(&key, 1, &padding).into())
    };
    world.production.replace((0..300).map(item).collect());
    let slow = Behaviour::bytes(world.production.items().to_json()).bytes_per_second(1 << 20);
    world.production.next_poll(slow);
    let began = Instant::now();
    let it = polling_with(&world, INTERVAL, |config| {
        config.upstream.read_timeout = Duration::from_millis(1_500);
    })
    .await;
    it.relay.settled().await;
    assert!(began.elapsed() > Duration::from_secs(2), "it was slow");
    world.assert_equal();
    let failed = it.relay.facts().last_error;
    assert!(failed.is_none(), "{failed:?}");
    it.relay.stop().await;
}

/// A cache that answers in LaunchDarkly's place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_nothing_changed_is_no_answer_to_who_asked_for_everything() {
    let world = World::with_flags(20).await;
    world.production.next_poll(Behaviour::status(304));
    let it = polling(&world, INTERVAL).await;
    it.relay
        .until("failed", |facts| {
            message(facts).contains("is there a cache")
        })
        .await;
    it.relay.settled().await;
    world.assert_equal();
    it.relay.stop().await;
}
