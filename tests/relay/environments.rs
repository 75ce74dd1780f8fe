//! One environment's trouble is its own.

use std::time::Duration;

use ld_dynamodb_relay::simulator::{generate, huge};
use ld_dynamodb_relay::status::SourcePhase;

use crate::support::several::{Several, key};
use crate::support::{Relay, flag};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_environments_and_what_befalls_some_of_them() {
    let names: Vec<_> = (0..20).map(|number| format!("twenty-{number}")).collect();
    let several = Several::new(names.iter().map(String::as_str)).await;
    for (seed, environment) in (0..).zip(&several.environments) {
        environment.replace(generate(20, seed));
    }
    // A refused key, a set that is too large, and a listening half that panics whenever it starts.
    let (refused, oversized, panicking) = (3, 7, 11);
    several.launchdarkly.revoke(&key(&names[refused]));
    several.environments[oversized].replace(huge(1_000_000));
    let mut config = several.config();
    config.upstream.max_event_bytes = 500_000;
    let relay = Relay::start_with(config, None, |environments| {
        environments[panicking].first_delay = Duration::MAX;
    })
    .await;
    let good = |index: &usize| ![refused, oversized, panicking].contains(index);
    for index in (0..20).filter(good) {
        relay
            .until_of(index, "settled", crate::support::is_settled)
            .await;
        several.assert_equal(index);
    }
    relay
        .until_of(refused, "refused", |facts| {
            facts.source.0 == SourcePhase::Refused
        })
        .await;
    relay
        .until_of(oversized, "set aside", |facts| {
            facts
                .last_error
                .as_ref()
                .is_some_and(|error| error.message.contains("MAX_EVENT_BYTES"))
        })
        .await;
    // The one that panics is made anew and panics again, and the others still go on.
    relay
        .until_of(0, "it panicked again", |_| {
            several.environments[0].send_heartbeat();
            panics(&relay) >= 2
        })
        .await;
    for index in (0..20).filter(good) {
        let before = relay.statuses[index].facts().written;
        several.environments[index].put_flag(&flag("sentinel", 1));
        relay
            .until_of(index, "the sentinel", |facts| facts.written > before)
            .await;
        several.assert_equal(index);
    }
    for index in [refused, oversized, panicking] {
        assert_eq!(several.stored(index, "first"), None);
        assert!(!relay.statuses[index].facts().initialized);
    }
    relay.stop().await;
}

fn panics(relay: &Relay) -> u64 {
    let text = relay.metrics.render([], None);
    let line = text
        .lines()
        .find(|line| line.starts_with("ld_dynamodb_panics_total "));
    line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn environments_of_one_table_do_not_touch_each_others_rows() {
    let several = Several::new(["neighbour-a", "neighbour-b"]).await;
    let relay = several.relay().await;
    relay.all_settled().await;
    several.environments[0].delete_flag("first", 2);
    several.environments[0].put_flag(&flag("only-here", 1));
    relay
        .until_of(0, "both changes", |facts| facts.written == 3)
        .await;
    several.assert_all_equal();
    assert_eq!(several.stored(1, "first"), Some(flag("first", 1)));
    assert_eq!(several.stored(1, "only-here"), None);
    relay.stop().await;
}
