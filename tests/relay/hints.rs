//! A webhook only makes the relay look: what the stream delivers needs nothing more, what it does not is asked for.

use std::time::Duration;

use ld_dynamodb_relay::config::Config;
use ld_dynamodb_relay::environment::Control;
use ld_dynamodb_relay::listener::Hint;
use ld_dynamodb_relay::listener::WakeResult;
use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::simulator::{Behaviour, SimulatedEnvironment};
use tokio::time::{Instant, interval, timeout};

use crate::support::several::Several;
use crate::support::{Relay, World, flag, log};

/// The relay, and what webhooks would speak to, environment by environment.
async fn relay(config: Config) -> (Relay, Vec<Control>) {
    let mut controls = Vec::new();
    let relay = Relay::start_with(config, None, |environments| {
        controls = environments.iter().map(|it| it.control.clone()).collect();
    })
    .await;
    relay.all_settled().await;
    (relay, controls)
}

fn hint(item: Option<&str>) -> Hint {
    Hint {
        item: item.map(ItemKey::flag),
        happened: Instant::now(),
    }
}

/// What became of an environment's hints: on time, late, no change.
fn wakes(relay: &Relay, environment: &str) -> [u64; 3] {
    [
        WakeResult::OnTime,
        WakeResult::LateStream,
        WakeResult::NoChange,
    ]
    .map(|wake| {
        let labels = [&format!("\"{environment}\""), wake.label()];
        relay.count("webhook_wakes_total", &labels.map(|it| it as &str))
    })
}

/// Waits until something is counted. No event tells of that.
async fn until<T: PartialEq + std::fmt::Debug>(expected: T, count: impl Fn() -> T) {
    let mut turns = interval(Duration::from_millis(5));
    let counted = async {
        while count() != expected {
            turns.tick().await;
        }
    };
    let in_time = timeout(Duration::from_secs(20), counted).await;
    assert!(in_time.is_ok(), "{:?} instead of {expected:?}", count());
}

/// Changes a flag behind the stream's back: only another connection brings it.
fn unannounced(environment: &SimulatedEnvironment, key: &str, version: u64) {
    environment.quietly(|items| {
        items.insert(Kind::Flag, flag(key, version));
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_the_stream_does_not_deliver_in_5_seconds_is_asked_for_and_once() {
    let names =
        ["in-time", "lagging", "flood", "unchanged", "gone"].map(|it| format!("hints-{it}"));
    let several = Several::new(names.iter().map(|it| &**it)).await;
    let (relay, controls) = relay(several.config()).await;
    let [in_time, lagging, flood, _, gone] = &several.environments[..] else {
        unreachable!("five names make five environments");
    };
    let count = |index: usize| wakes(&relay, &names[index]);

    in_time.put_flag(&flag("first", 2));
    relay
        .until_of(0, "stored", |facts| facts.written >= 2)
        .await;
    controls[0].hint(hint(Some("first")));
    until([1, 0, 0], || count(0)).await;
    controls[0].hint(hint(Some("second")));
    in_time.put_flag(&flag("second", 1));
    until([2, 0, 0], || count(0)).await;

    let began = Instant::now();
    unannounced(lagging, "first", 2);
    controls[1].hint(hint(Some("first")));
    unannounced(flood, "flag-7", 1);
    for number in 0..1_000 {
        controls[2].hint(hint(Some(&format!("flag-{number}"))));
    }
    controls[3].hint(hint(Some("first")));
    controls[3].hint(hint(None));
    several.store.reset_counts();
    // This one's stream is gone before the time is up, and comes back only after it.
    gone.next(Behaviour::normal().after(Duration::from_secs(6)));
    unannounced(gone, "first", 2);
    controls[4].hint(hint(Some("first")));
    gone.disconnect_all();

    until([0, 1, 0], || count(1)).await;
    assert!(began.elapsed() >= Duration::from_secs(5));
    until([0, 1, 999], || count(2)).await;
    until([0, 0, 2], || count(3)).await;
    until([1, 0, 0], || count(4)).await;
    several
        .store
        .wait_until("what the stream did not deliver is stored", |counts| {
            counts.writes_accepted() == 3
        })
        .await;
    several.assert_all_equal();
    for (index, connections) in [1, 2, 2, 2, 2].into_iter().enumerate() {
        let seen = several.environments[index].seen();
        assert_eq!(seen.connections, connections, "{}", names[index]);
        let reopened = relay.count("reopens_total", &[&names[index], "webhook"]);
        assert_eq!(reopened, u64::from((1..=3).contains(&index)));
    }
    assert_eq!(several.store.counts().writes(), 3, "nothing else");
    for (name, told) in names.iter().zip([0, 1, 1, 0, 0]) {
        let lines = log::lines("LaunchDarkly is lagging");
        let of_it = lines.iter().filter(|line| line.contains(name.as_str()));
        assert_eq!(of_it.count(), told, "{name}");
    }
    assert_eq!(
        log::lines("lagging")
            .iter()
            .filter(|it| it.contains("key=\"flag-7\""))
            .count(),
        1
    );
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_that_come_while_the_environment_is_made_anew_are_not_lost() {
    let world = World::with_flags(2).await;
    let control = Control::default();
    let given = control.clone();
    // Nobody listens yet, as after a panic.
    for number in 0..3_000 {
        control.hint(hint(Some(&format!("flag-{number}"))));
    }
    let relay = Relay::start_with(world.config(), None, |environments| {
        environments[0].control = given;
    })
    .await;
    relay.settled().await;
    // More than a thousand are one, and the first full set was asked for later than they came.
    until([0, 0, 1_001], || wakes(&relay, "production")).await;
    assert_eq!(world.production.connections(), 1);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn propagation_is_counted_from_the_webhooks_date_once_for_each() {
    let world = World::with_flags(2).await;
    let (relay, controls) = relay(world.config()).await;
    let sampled = || {
        let text = relay.metrics.render([], None);
        let sum = |name: &str| {
            let mut lines = text.lines().filter(|line| {
                line.starts_with(&format!("ld_dynamodb_propagation_seconds_{name}"))
                    && line.contains("webhook_date")
            });
            let line = lines.next().unwrap();
            line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
        };
        (sum("count"), sum("sum"))
    };
    assert_eq!(sampled(), (0.0, 0.0));

    // Announced 3 s after it happened, and then stored.
    let happened = Instant::now().checked_sub(Duration::from_secs(3)).unwrap();
    let item = Some(ItemKey::flag("new"));
    controls[0].hint(Hint { item, happened });
    controls[0].hint(hint(None));
    world.production.put_flag(&flag("new", 1));
    relay.written(3).await;
    until(1.0, || sampled().0).await;
    let (_, took) = sampled();
    assert!((3.0..10.0).contains(&took), "{took} s");

    // Stored, and then announced; and an item that nobody announces.
    world.production.put_flag(&flag("flag-1", 2));
    world.production.put_flag(&flag("new", 2));
    relay.written(5).await;
    assert_eq!(sampled(), (1.0, took));
    controls[0].hint(hint(Some("flag-1")));
    until(2.0, || sampled().0).await;
    world.production.put_flag(&flag("flag-1", 3));
    relay.written(6).await;
    assert!((sampled().0 - 2.0).abs() < f64::EPSILON, "once for each");
    relay.stop().await;
}
