//! The last good roster, kept in the table for a start without LaunchDarkly.

use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::FutureExt as _;
use ld_dynamodb_relay::roster::{AutoConfigState, CacheOutcome, Roster, Templates, read};
use ld_dynamodb_relay::secrets::{Giver, Kept};
use ld_dynamodb_relay::simulator::Behaviour;
use ld_dynamodb_relay::simulator::store::{Fault, Operation, StoreRefusal};
use ld_dynamodb_relay::supervisor::{RosterCache, RosterEnd};
use ld_dynamodb_relay::table::{self, CacheTable, Fixed};
use tokio::task::JoinSet;

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

/// Both cells, and a roster that lists this environment.
async fn cache_of(it: &Rostered) -> (Giver, RosterCache, Roster) {
    let connection = table::connect(Some(&it.store.endpoint()), Some(Fixed)).await;
    let table = CacheTable::new(connection, TABLE, NAMESPACE);
    let (giver, key) = Kept::cell();
    let templates = Templates::new(TABLE, "$CID").unwrap();
    let mut roster = Roster::new(templates, 0);
    roster.opened();
    (giver, RosterCache::new(table, None, key), roster)
}

fn described(id: &str) -> String {
    format!(r#"{{"envID": "{id}", "version": 1, "sdkKey": {{"value": "sdk-{id}"}}}}"#)
}

/// What says that this one is all.
fn put(id: &str) -> String {
    let data = described(id);
    format!(r#"{{"path": "/", "data": {{"environments": {{"{id}": {data}}}}}}}"#)
}

/// What says that this one is there too.
fn patch(id: &str) -> String {
    let data = described(id);
    format!(r#"{{"path": "/environments/{id}", "data": {data}}}"#)
}

/// Where the key is kept at AWS it is not there at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_read_once_their_key_is_known() {
    let it = Rostered::new([]).await;
    let (giver, cache, _) = cache_of(&it).await;
    let reading = cache.read(Duration::from_secs(30));
    tokio::pin!(reading);
    assert!(reading.as_mut().now_or_never().is_none());
    giver.give("a key".into());
    assert_eq!(reading.await.1, CacheOutcome::Empty);
}

/// The list was all that there was when it came, and not when it is carried out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_came_after_the_list_keeps_its_row() {
    let it = Rostered::new([]).await;
    let (giver, cache, mut roster) = cache_of(&it).await;
    giver.give("a key".into());
    for (event, data) in [("put", put("cache-a")), ("patch", patch("cache-x"))] {
        let step = roster.heed(read(event, &data), 0);
        cache.order(&step.cache, &roster);
    }
    let (mut writing, written) = (JoinSet::new(), cache.clone());
    writing.spawn(async move { written.run().await });
    it.store
        .wait_until("the rows are read", |counts| counts.reads() > 0)
        .await;
    // One thing is done after the other.
    let step = roster.heed(read("patch", &patch("cache-y")), 0);
    cache.order(&step.cache, &roster);
    until_kept(&it, "cache-y", true).await;
    assert!(is_kept(&it, "cache-a") && is_kept(&it, "cache-x"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_came_while_a_removal_failed_keeps_its_row() {
    let it = Rostered::new([]).await;
    let (giver, cache, mut roster) = cache_of(&it).await;
    giver.give("a key".into());
    store_a_row_of_the_relay_proxys(&it, b"of an environment that is gone").await;
    let refuse = Fault::refuse(StoreRefusal::AccessDenied).on(Operation::DeleteItem);
    let refused = it.store.inject(refuse.times(1));
    let (mut writing, written) = (JoinSet::new(), cache.clone());
    writing.spawn(async move { written.run().await });
    let mut hear = |event: &str, data: &str| {
        let step = roster.heed(read(event, data), 0);
        cache.order(&step.cache, &roster);
    };
    hear("put", &put("cache-a"));
    it.store
        .wait_until("the removal failed", |_| refused.hits() == 1)
        .await;
    hear("patch", &patch("cache-x"));
    until_kept(&it, "cache-x", true).await;
    until_kept(&it, "66f2", false).await;
    // One thing is done after the other.
    hear("patch", &patch("cache-y"));
    until_kept(&it, "cache-y", true).await;
    assert!(is_kept(&it, "cache-a") && is_kept(&it, "cache-x"));
}
