//! The last good roster, kept in the table for a start without LaunchDarkly.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use ld_dynamodb_relay::roster::AutoConfigState;
use ld_dynamodb_relay::simulator::Behaviour;
use ld_dynamodb_relay::supervisor::RosterEnd;

use crate::support::rostered::{NAMESPACE, Rostered, RosteredOptions};
use crate::support::{TABLE, fixture, flag};

/// A row as the Relay Proxy seals it, by a program in Go that makes the same two calls: an environment `66f2`.
async fn store_a_row_of_the_relay_proxys(it: &Rostered, sealed: &[u8]) {
    let put = it.store.client().put_item().table_name(TABLE);
    let put = put
        .item("namespace", AttributeValue::S(NAMESPACE.into()))
        .item("key", AttributeValue::S("env:66f2".into()))
        .item("item", AttributeValue::B(Blob::new(sealed)));
    put.send().await.unwrap();
}

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

    it.roster.always(Behaviour::status(503));
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_from_the_relay_proxys_own_rows() {
    let vector: serde_json::Value =
        serde_json::from_str(&fixture("auto-config-cache.json")).unwrap();
    let text = |member: &str| vector[member].as_str().unwrap();
    let material: &'static str = text("material").to_owned().leak();
    let it = Rostered::new([]).await;
    let environment = it.launchdarkly.environment("sdk-1");
    environment.set_id("66f2");
    environment.put_flag(&flag("first", 1));
    it.roster.always(Behaviour::status(503));
    for version in ["version1", "version2", "hashed"] {
        let sealed = hex::decode(text(version)).unwrap();
        store_a_row_of_the_relay_proxys(&it, &sealed).await;
        let options = RosteredOptions {
            key: material,
            ..CACHED
        };
        let relay = it.relay_with(&options).await;
        relay.settled(&["66f2"]).await;
        assert_eq!(
            it.stored("66f2", "first"),
            Some(flag("first", 1)),
            "{version}"
        );
        relay.stop().await;
    }
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

    it.roster.always(Behaviour::status(401));
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
