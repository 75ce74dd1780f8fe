//! The last good roster, kept in the table for a start without LaunchDarkly.

use ld_dynamodb_relay::roster::AutoConfigState;
use ld_dynamodb_relay::supervisor::RosterEnd;

use crate::support::TABLE;
use crate::support::rostered::{NAMESPACE, Rostered, RosteredOptions};

const CACHED: RosteredOptions = RosteredOptions {
    prefix: "$CID",
    key: crate::support::rostered::AUTO_CONFIG_KEY,
    cached: true,
    exits: false,
    source: ld_dynamodb_relay::config::SourceKind::Stream,
};

fn is_kept(it: &Rostered, id: &str) -> bool {
    let row = it.store.row(TABLE, NAMESPACE, &format!("env:{id}"));
    row.unwrap().is_some()
}

async fn until_kept(it: &Rostered, id: &str, kept: bool) {
    it.store
        .wait_until(&format!("{id} is kept: {kept}"), |_| {
            is_kept(it, id) == kept
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_without_launchdarkly_knows_the_environments() {
    let it = Rostered::new(["cache-a", "cache-b"]).await;
    let relay = it.relay_with(&CACHED).await;
    relay.settled(&["cache-a", "cache-b"]).await;
    until_kept(&it, "cache-a", true).await;
    until_kept(&it, "cache-b", true).await;
    relay.stop().await;

    it.roster
        .always(ld_dynamodb_relay::simulator::Behaviour::status(503));
    let relay = it.relay_with(&CACHED).await;
    relay.settled(&["cache-a", "cache-b"]).await;
    let facts = relay.status.facts();
    assert!(!facts.known, "it may be partial");
    assert_eq!(
        facts.auto_config.unwrap().state,
        AutoConfigState::Initializing
    );
    relay.stop().await;
}

/// What LaunchDarkly says replaces it: who left meanwhile goes, and its row with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_put_replaces_what_was_kept() {
    let it = Rostered::new(["cache-a", "cache-b"]).await;
    let relay = it.relay_with(&CACHED).await;
    relay.settled(&["cache-a", "cache-b"]).await;
    until_kept(&it, "cache-b", true).await;
    relay.stop().await;
    it.roster.remove("cache-b");
    it.add("cache-c");
    let relay = it.relay_with(&CACHED).await;
    relay.settled(&["cache-a", "cache-c"]).await;
    until_kept(&it, "cache-c", true).await;
    until_kept(&it, "cache-b", false).await;
    assert!(is_kept(&it, "cache-a"));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_key_ends_it_only_where_nothing_is_known() {
    let it = Rostered::new(["cache-a"]).await;
    let relay = it.relay_with(&CACHED).await;
    relay.settled(&["cache-a"]).await;
    until_kept(&it, "cache-a", true).await;
    relay.stop().await;

    it.roster
        .always(ld_dynamodb_relay::simulator::Behaviour::status(401));
    let exits = RosteredOptions {
        exits: true,
        ..CACHED
    };
    let relay = it.relay_with(&exits).await;
    relay.settled(&["cache-a"]).await;
    relay.stop().await;

    let uncached = RosteredOptions {
        cached: false,
        exits: true,
        ..CACHED
    };
    let relay = it.relay_with(&uncached).await;
    assert_eq!(relay.ended().await, RosterEnd::Rejected);
}
