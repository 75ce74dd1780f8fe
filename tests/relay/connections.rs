//! No connection that fails, breaks, stalls or leads elsewhere harms what is stored, and the next one is always tried.
//! Rows of the table of faults: 1, 2, 21 to 23, 28 to 31, 35.

use std::time::Duration;

use ld_dynamodb_relay::model::Kind;
use ld_dynamodb_relay::simulator::{Behaviour, Items};
use ld_dynamodb_relay::status::{ErrorKind, Facts, SourcePhase};
use tokio::time::interval;

use crate::support::several::{Several, key};
use crate::support::{Relay, TABLE, World, flag, flags, log};

/// Half of five minutes: what the jitter leaves at least of the shortest long delay.
const LONG: u64 = 150_000;

/// A stream that wants its clients to come back so, and says this.
fn stream(retry: &str, items: &Items) -> Vec<u8> {
    format!("retry: {retry}\n\nevent: put\ndata: {}\n\n", items.to_put()).into_bytes()
}

fn failed_with(kind: ErrorKind) -> impl Fn(&Facts) -> bool {
    move |facts| {
        facts
            .last_error
            .as_ref()
            .is_some_and(|error| error.kind == kind)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_01_a_connection_that_cannot_be_made_is_tried_again() {
    let world = World::with_fixture().await;
    let relay = world.relay().await;
    relay.settled().await;
    relay.stop().await;
    world.store.reset_counts();

    // Nobody listens, and then somebody cuts before the headers.
    world.launchdarkly.stop().await;
    world.production.next(Behaviour::cut());
    world.production.quietly(|items| {
        items.insert(Kind::Flag, flag("later", 1));
    });
    let relay = world.relay().await;
    let refused = failed_with(ErrorKind::Network);
    relay
        .until("refused, and the table read", |facts| {
            refused(facts) && facts.initialized
        })
        .await;
    assert_eq!(world.store.counts().writes(), 0, "what is stored stays");
    world.launchdarkly.restart().await.unwrap();
    relay.written(1).await;
    world.assert_equal();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_01_a_name_or_a_certificate_that_fails_harms_nothing() {
    let world = World::with_flags(3).await;
    let relay = world.relay().await;
    relay.settled().await;
    relay.stop().await;
    world.store.reset_counts();
    let no_tls = world.launchdarkly.uri().replace("http:", "https:");
    for uri in [no_tls, "http://nowhere.invalid".to_owned()] {
        let relay = world
            .relay_with(|config| config.upstream.stream_uri = uri)
            .await;
        relay
            .until("refused", failed_with(ErrorKind::Network))
            .await;
        assert_eq!(relay.facts().source.0, SourcePhase::Connecting);
        relay.stop().await;
    }
    assert_eq!(world.store.counts().writes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_02_a_reset_mid_event_discards_the_partial_event() {
    let several = Several::new([
        "row-02-put",
        "row-02-character",
        "row-02-patch",
        "row-02-end",
    ])
    .await;
    several.environments[0].next(Behaviour::normal().cut_after(200));
    several.environments[1].quietly(|items| {
        items.insert(Kind::Flag, flag("ümlaut", 1));
    });
    several.environments[1].next(Behaviour::normal().cut_inside_a_character());
    let relay = several.relay().await;
    relay.all_settled().await;
    // All but the empty line that would complete it.
    let patch = format!(
        "event: patch\ndata: {{\"path\":\"/flags/partial\",\"data\":{}}}\n",
        flag("partial", 9)
    );
    for environment in &several.environments[2..] {
        environment.send(patch.clone());
    }
    several.environments[2].disconnect_all();
    several.environments[3].close_all();
    for environment in &several.environments {
        environment.wait_for_connections(2).await;
    }
    for (index, environment) in several.environments.iter().enumerate() {
        let before = relay.statuses[index].facts().written;
        environment.put_flag(&flag("sentinel", 1));
        relay
            .until_of(index, "the sentinel", |facts| facts.written > before)
            .await;
        several.assert_equal(index);
    }
    let log = several.store.log();
    assert!(
        log.iter()
            .all(|it| it.request.key.as_deref() != Some("partial")),
        "it was never written"
    );
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_21_a_retry_field_has_a_floor_and_a_cap_and_nonsense_is_ignored() {
    let cases = [
        ("row-21-zero", "0", 50..=100),
        ("row-21-absurd", "99999999999", 15_000..=30_000),
        ("row-21-text", "soon", 500..=1_000),
        ("row-21-overflow", "99999999999999999999999999", 500..=1_000),
    ];
    let several = Several::new(cases.iter().map(|(name, ..)| *name)).await;
    for ((_, retry, _), environment) in cases.iter().zip(&several.environments) {
        environment.next(Behaviour::bytes(stream(retry, &environment.items())).then_close());
    }
    let relay = several.relay().await;
    for (index, (name, _, expected)) in cases.iter().enumerate() {
        relay
            .until_of(index, "ended", failed_with(ErrorKind::Network))
            .await;
        let delay = log::delays(name)[0];
        assert!(expected.contains(&delay), "{name}: {delay} ms");
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_22_a_silent_connection_is_closed_and_opened_again() {
    let several = Several::new(["row-22-stream", "row-22-headers"]).await;
    several.environments[0].next(Behaviour::normal().then_stall());
    several.environments[1].next(Behaviour::never());
    let heartbeat = Behaviour::normal().heartbeat(Some(Duration::from_millis(50)));
    for environment in &several.environments {
        environment.always(heartbeat.clone());
    }
    let mut config = several.config();
    config.upstream.read_timeout = Duration::from_millis(700);
    let relay = Relay::start(config).await;
    several.environments[0].wait_for_connections(2).await;
    several.environments[1].wait_for_attempts(2).await;
    relay.all_settled().await;
    several.assert_all_equal();
    assert_eq!(relay.count("sessions_total", &["silent"]), 2);
    for environment in &several.environments {
        environment
            .wait_until("only the new one is open", |seen| seen.open == 1)
            .await;
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_22_heartbeats_keep_a_quiet_stream_open() {
    let world = World::with_flags(1).await;
    world
        .production
        .always(Behaviour::normal().heartbeat(Some(Duration::from_millis(100))));
    let read_timeout = Duration::from_millis(500);
    let relay = world
        .relay_with(|config| config.upstream.read_timeout = read_timeout)
        .await;
    relay.settled().await;
    let first = relay.facts().heard.unwrap().monotonic;
    relay
        .until("heard for three read timeouts", |facts| {
            facts.heard.unwrap().monotonic >= first + 3 * read_timeout
        })
        .await;
    assert_eq!(world.production.seen().attempts, 1);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_22_a_connection_that_says_everything_but_the_full_set_is_ended() {
    const OFTEN: Duration = Duration::from_millis(50);
    let world = World::with_flags(1).await;
    let chatty = Behaviour::bytes(": hello\n\n").heartbeat(Some(OFTEN));
    world.production.next(chatty);
    let relay = world
        .relay_with(|config| config.upstream.read_timeout = Duration::from_millis(700))
        .await;
    world.production.wait_for_connections(1).await;
    let mut ticks = interval(OFTEN);
    for version in 2.. {
        ticks.tick().await;
        if world.production.seen().attempts > 1 {
            break;
        }
        assert!(!relay.facts().said_everything);
        world.production.put_flag(&flag("flag-0", version));
    }
    relay.settled().await;
    world.assert_equal();
    assert_eq!(relay.count("sessions_total", &["silent"]), 1);
    let error = relay.facts().last_error.unwrap();
    assert!(error.message.contains("everything within"), "{error:?}");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_23_a_slow_drip_is_not_cut_while_bytes_flow() {
    let world = World::with_flags(20).await;
    let bytes = world.production.items().to_put().len();
    // Takes two seconds, four times the read timeout.
    world.production.next(
        Behaviour::normal()
            .bytes_per_second(bytes / 2)
            .in_chunks_of(512),
    );
    let relay = world
        .relay_with(|config| config.upstream.read_timeout = Duration::from_millis(500))
        .await;
    relay
        .until("everything was said", |facts| facts.said_everything)
        .await;
    assert_eq!(world.production.seen().attempts, 1);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_28_an_overloaded_upstream_is_tried_again_soon_but_not_sooner_than_it_asks() {
    let cases = [
        (
            "row-28-503",
            Behaviour::status(503).header("Retry-After", "2"),
            2_000..=2_000,
        ),
        (
            "row-28-429",
            Behaviour::status(429).header("Retry-After", "1"),
            1_000..=1_000,
        ),
        (
            "row-28-odd",
            Behaviour::status(503).header("Retry-After", "later"),
            500..=1_000,
        ),
        ("row-28-500", Behaviour::status(500), 500..=1_000),
        ("row-28-html", Behaviour::html(), 500..=1_000),
        ("row-28-400", Behaviour::status(400), 500..=1_000),
        ("row-28-408", Behaviour::status(408), 500..=1_000),
    ];
    let several = Several::new(cases.iter().map(|(name, ..)| *name)).await;
    for ((_, behaviour, _), environment) in cases.iter().zip(&several.environments) {
        environment.next(behaviour.clone());
    }
    let relay = several.relay().await;
    relay.all_settled().await;
    several.assert_all_equal();
    for (name, _, expected) in &cases {
        let delay = log::delays(name)[0];
        assert!(expected.contains(&delay), "{name}: {delay} ms");
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_29_a_refused_key_waits_long_keeps_what_is_stored_and_harms_nobody_else() {
    let several = Several::new(["row-29-revoked", "row-29-403", "row-29-good"]).await;
    let relay = several.relay().await;
    relay.all_settled().await;
    several.store.reset_counts();
    several.environments[1].always(Behaviour::status(403));
    several.environments[1].disconnect_all();
    several.launchdarkly.revoke(&key("row-29-revoked"));
    for index in 0..2 {
        relay
            .until_of(index, "refused", |facts| {
                facts.source.0 == SourcePhase::Refused
            })
            .await;
        assert!(relay.statuses[index].facts().initialized);
        assert!(several.stored(index, "first").is_some());
    }
    let error = relay.statuses[0].facts().last_error.unwrap();
    assert_eq!(error.status_code, Some(401));
    assert!(error.message.contains("SDK key"), "{}", error.message);
    for name in ["row-29-revoked", "row-29-403"] {
        let delay = *log::delays(name).last().unwrap();
        assert!(delay >= LONG, "{name}: {delay} ms");
    }
    several.environments[2].put_flag(&flag("first", 2));
    several
        .store
        .wait_until("the good one's patch", |counts| {
            counts.writes_accepted() == 1
        })
        .await;
    assert_eq!(several.stored(2, "first"), Some(flag("first", 2)));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_30_a_stream_that_is_not_there_waits_long() {
    let cases = [404, 405, 410];
    let names = ["row-30-404", "row-30-405", "row-30-410"];
    let several = Several::new(names).await;
    for (status, environment) in cases.iter().zip(&several.environments) {
        environment.always(Behaviour::status(*status));
    }
    let relay = several.relay().await;
    for (index, (name, status)) in names.into_iter().zip(cases).enumerate() {
        relay
            .until_of(index, "refused", |facts| {
                facts.source.0 == SourcePhase::Refused
            })
            .await;
        let error = relay.statuses[index].facts().last_error.unwrap();
        assert_eq!(error.status_code, Some(status));
        let delay = log::delays(name)[0];
        assert!(delay >= LONG, "{name}: {delay} ms");
    }
    assert!(several.store.table(TABLE).unwrap().is_empty());
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_31_a_success_that_is_no_stream_is_a_connection_failure() {
    let cases = [
        ("row-31-html", Behaviour::html()),
        (
            "row-31-json",
            Behaviour::normal().content_type("application/json"),
        ),
        ("row-31-204", Behaviour::status(204)),
        ("row-31-empty", Behaviour::nothing_then_close()),
    ];
    let several = Several::new(cases.iter().map(|(name, _)| *name)).await;
    let relay = several.relay().await;
    relay.all_settled().await;
    several.store.reset_counts();
    for ((_, behaviour), environment) in cases.iter().zip(&several.environments) {
        environment.next(behaviour.clone());
        environment.disconnect_all();
    }
    for (index, environment) in several.environments.iter().enumerate() {
        environment
            .wait_until("an attempt after the bad one", |seen| seen.attempts >= 3)
            .await;
        relay
            .until_of(index, "connected again", |facts| {
                facts.source.0 == SourcePhase::Connected
            })
            .await;
        several.assert_equal(index);
    }
    assert_eq!(several.store.counts().writes(), 0);
    for (name, _) in &cases {
        let delay = log::delays(name)[1];
        assert!((1_000..=2_000).contains(&delay), "{name}: {delay} ms");
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_35_a_flapping_stream_is_left_alone_longer_and_longer_and_costs_no_writes() {
    let several = Several::new(["row-35"]).await;
    let environment = &several.environments[0];
    environment.replace(flags(0..50, 1));
    environment.always(Behaviour::bytes(stream("100", &environment.items())).then_close());
    let relay = several.relay().await;
    relay.all_settled().await;
    several.store.reset_counts();
    environment.wait_for_connections(6).await;
    let delays = log::delays("row-35");
    for (attempt, delay) in delays.iter().take(5).enumerate() {
        let whole = 100 << attempt;
        assert!((whole / 2..=whole).contains(delay), "{delays:?}");
    }
    assert_eq!(several.store.counts().writes(), 0);
    relay.stop().await;
}
