//! `UPSTREAM=poll`: everything is asked for in intervals, and all else is as with a stream.

use std::time::Duration;

use ld_dynamodb_relay::config::{Config, SourceKind};
use ld_dynamodb_relay::environment::Control;
use ld_dynamodb_relay::listener::Hint;
use ld_dynamodb_relay::model::ItemKey;
use ld_dynamodb_relay::secrets::{Giver, Kept};
use ld_dynamodb_relay::simulator::Behaviour;
use ld_dynamodb_relay::simulator::launchdarkly::{Key, Received};
use ld_dynamodb_relay::status::{TablePhase, health};
use tokio::time::Instant;

use crate::support::several::Several;
use crate::support::{KEY, Relay, TABLE, World, flag, flags};

pub(crate) const INTERVAL: Duration = Duration::from_millis(400);
/// Nothing is polled a second time while a test lasts.
const NEVER: Duration = Duration::from_hours(1);

pub(crate) struct Polling {
    pub(crate) relay: Relay,
    pub(crate) giver: Giver,
    pub(crate) control: Control,
}

pub(crate) async fn polling(world: &World, interval: Duration) -> Polling {
    polling_with(world, interval, |_| {}).await
}

pub(crate) async fn polling_with(
    world: &World,
    interval: Duration,
    change: impl FnOnce(&mut Config),
) -> Polling {
    let (giver, kept) = Kept::cell();
    giver.give(KEY.into());
    let mut config = world.config();
    config.upstream.poll_interval = interval;
    config.environments[0].source = SourceKind::Poll;
    config.environments[0].name = "polling".into();
    change(&mut config);
    let mut control = None;
    let relay = Relay::start_with(config, None, |environments| {
        environments[0].key = kept;
        control = Some(environments[0].control.clone());
    })
    .await;
    Polling {
        relay,
        giver,
        control: control.unwrap(),
    }
}

/// The requests that came, all of them polls.
pub(crate) fn polls(world: &World) -> Vec<Received> {
    let requests = world.launchdarkly.requests();
    assert!(requests.iter().all(|it| it.path == "/sdk/latest-all"));
    requests
}

fn header<'a>(request: &'a Received, name: &str) -> Option<&'a str> {
    request.headers.get(name).map(|it| it.to_str().unwrap())
}

/// Whether it asks for everything, whatever was said before.
pub(crate) fn is_unconditional(request: &Received) -> bool {
    header(request, "if-none-match").is_none()
}

/// Waits until so many more polls were made; those.
pub(crate) async fn more(world: &World, count: usize) -> Vec<Received> {
    let before = polls(world).len();
    world.launchdarkly.wait_for_requests(before + count).await;
    polls(world)[before..][..count].to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_asked_for_in_intervals_and_only_what_changed_is_sent_and_written() {
    let world = World::with_flags(20).await;
    let it = polling(&world, INTERVAL).await;
    it.relay.settled().await;
    world.assert_equal();
    world.store.reset_counts();
    let (began, said) = (Instant::now(), it.relay.facts().said.0);
    let later = more(&world, 5).await;
    assert!(began.elapsed() >= INTERVAL.mul_f64(0.9 * 4.0), "not sooner");
    let first = &polls(&world)[0];
    assert!(is_unconditional(first));
    for poll in later.iter().chain([first]) {
        assert_eq!(poll.key, Key::EndingIn("0001".into()));
        assert_eq!(header(poll, "cache-control"), Some("no-cache"));
        assert!(header(poll, "accept-encoding").unwrap().contains("gzip"));
        assert!(header(poll, "x-launchdarkly-instance-id").is_some());
    }
    assert!(later.iter().all(|poll| !is_unconditional(poll)));
    assert_eq!(world.store.counts().writes(), 0);
    assert_eq!(it.relay.facts().said.0, said, "nothing was said again");
    let tag = header(&later[4], "if-none-match").unwrap().to_owned();
    // An answer of 304 is a sign of life.
    let facts = it.relay.facts();
    let now = Instant::now();
    let health = health(&facts, now, 3 * INTERVAL, Duration::ZERO);
    assert!(health.up_to_date, "{facts:?}");

    let stored = facts.written;
    world.production.put_flag(&flag("flag-3", 2));
    it.relay.written(stored + 1).await;
    it.relay.settled().await;
    world.assert_equal();
    let after = more(&world, 2).await;
    assert!(
        after
            .iter()
            .all(|poll| header(poll, "if-none-match") != Some(&*tag))
    );
    assert_eq!(world.store.counts().writes(), 1);
    assert_eq!(world.production.seen().attempts, 0, "no stream was opened");
    it.relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_name_is_asked_for_whole() {
    let world = World::with_flags(20).await;
    let nameless = Behaviour::bytes(world.production.items().to_json());
    world.production.always_poll(nameless);
    let it = polling(&world, INTERVAL).await;
    it.relay.settled().await;
    assert!(more(&world, 3).await.iter().all(is_unconditional));
    world.production.as_usual();
    more(&world, 2).await;
    assert!(
        more(&world, 2)
            .await
            .iter()
            .all(|poll| !is_unconditional(poll))
    );
    it.relay.stop().await;
}

/// A webhook after a poll that failed does not wait for the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_ends_the_wait_after_a_poll_that_failed() {
    let world = World::with_flags(20).await;
    let it = polling(&world, NEVER).await;
    it.relay.settled().await;
    let hint = || Hint {
        item: None,
        happened: Instant::now(),
    };
    world.production.next_poll(Behaviour::status(503));
    it.control.sync();
    more(&world, 1).await;
    world.production.put_flag(&flag("flag-3", 2));
    it.control.hint(hint());
    it.relay.written(21).await;
    it.relay.settled().await;
    world.assert_equal();
    it.relay.stop().await;
}

/// What is gone, and what went backward, is asked about again without delay, and not with the name of what was said before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_backward_is_asked_for_again_unconditionally_before_it_is_written() {
    let world = World::with_flags(20).await;
    let it = polling(&world, INTERVAL).await;
    it.relay.settled().await;
    let before = polls(&world).len();
    world.production.quietly(|items| {
        items.remove(&ItemKey::flag("flag-7"));
    });
    it.relay
        .until("held", |facts| {
            facts.held.contains_key(&ItemKey::flag("flag-7"))
        })
        .await;
    assert!(world.stored("features", "flag-7").is_some());
    it.relay.written(21).await;
    it.relay.settled().await;
    world.assert_equal();
    let asked = polls(&world)[before..].to_vec();
    assert!(asked.iter().any(is_unconditional), "a 304 confirms nothing");
    assert_eq!(it.relay.count("reopens_total", &["\"held\""]), 1);
    it.relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_brake_holds_removals_until_an_operator_confirms_their_number() {
    let world = World::with_flags(60).await;
    let it = polling(&world, INTERVAL).await;
    it.relay.settled().await;
    world.production.replace(flags(0..20, 1));
    it.relay.until("braked", |facts| facts.braked == 40).await;
    it.control.release(40);
    it.relay.written(100).await;
    it.relay.settled().await;
    world.assert_equal();
    it.relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_has_it_polled_at_once() {
    let world = World::with_flags(20).await;
    let it = polling(&world, NEVER).await;
    it.relay.settled().await;
    let first = Instant::now();
    for version in 2..4 {
        let text = flag("flag-3", version);
        world.production.put_flag(&text);
        let began = Instant::now();
        it.control.hint(Hint {
            item: Some(ItemKey::flag("flag-3")),
            happened: began,
        });
        it.relay
            .until("stored", |_| {
                world.stored("features", "flag-3").as_ref() == Some(&text)
            })
            .await;
        // The first at once, the second after five seconds.
        let bound = Duration::from_secs(if version == 2 { 3 } else { 8 });
        assert!(began.elapsed() < bound, "{:?}", began.elapsed());
    }
    assert!(first.elapsed() >= Duration::from_secs(5), "not sooner");
    it.relay.settled().await;
    world.assert_equal();
    let polls = polls(&world);
    assert_eq!(polls.len(), 3);
    assert!(polls.iter().all(is_unconditional));
    let wakes = |result| {
        it.relay
            .count("webhook_wakes_total", &["\"polling\"", result])
    };
    assert_eq!((wakes("\"on_time\""), wakes("\"late_stream\"")), (2, 0));
    it.relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_is_polled_with_at_once_and_nothing_is_written_again() {
    const NEW: &str = "sdk-00000000-0000-4000-8000-000000000002";
    let world = World::with_flags(20).await;
    let it = polling(&world, NEVER).await;
    it.relay.settled().await;
    world.store.reset_counts();
    world.launchdarkly.rotate_key(KEY, NEW);
    it.giver.give(NEW.into());
    let new = more(&world, 1).await;
    assert_eq!(new[0].key, Key::EndingIn("0002".into()));
    assert!(
        is_unconditional(&new[0]),
        "its name for the data was another's"
    );
    it.relay.settled().await;
    assert_eq!(world.store.counts().writes(), 0);
    it.relay.stop().await;
}

/// A polling API that comes to answer for another environment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_of_another_environment_is_not_written() {
    let world = World::with_flags(20).await;
    world.production.set_id("ours");
    let it = polling(&world, INTERVAL).await;
    it.relay.settled().await;
    world.store.reset_counts();
    // That nothing changed need not be said by name.
    more(&world, 1).await;
    world.production.next_poll(Behaviour::status(304));
    let later = more(&world, 3).await;
    assert!(later.iter().all(|poll| !is_unconditional(poll)));
    world.production.set_id("theirs");
    // Nothing else changed, so that by its name the data is the same.
    it.relay
        .until("refused", |facts| {
            facts.table.0 == TablePhase::Misconfigured
        })
        .await;
    world.production.put_flag(&flag("flag-3", 2));
    more(&world, 2).await;
    assert_eq!(world.store.counts().writes(), 0);
    world.production.set_id("ours");
    it.relay.written(21).await;
    it.relay.settled().await;
    world.assert_equal();
    it.relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_repaired_without_a_poll() {
    let world = World::with_flags(20).await;
    let it = polling(&world, NEVER).await;
    it.relay.settled().await;
    world.store.clear(TABLE, "").unwrap();
    it.relay.written(40).await;
    it.relay.settled().await;
    world.assert_equal();
    assert_eq!(polls(&world).len(), 1);
    it.relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_environment_polls_beside_another_that_has_a_stream() {
    let several = Several::new(["polled", "streamed"].into_iter()).await;
    let mut config = several.config();
    config.upstream.poll_interval = INTERVAL;
    config.environments[0].source = SourceKind::Poll;
    let relay = Relay::start(config).await;
    relay.all_settled().await;
    let attempts = |index: usize| several.environments[index].seen().attempts;
    assert_eq!((attempts(0), attempts(1)), (0, 1));
    for (index, environment) in several.environments.iter().enumerate() {
        environment.put_flag(&flag("first", 2));
        relay
            .until_of(index, "stored", |facts| facts.written >= 2)
            .await;
    }
    relay.all_settled().await;
    relay.stop().await;
}
