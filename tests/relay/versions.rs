//! Which version is stored: forward at once, backward only when said again. Rows of the table of faults: 9, 11, 13, 16, 17, 36.

use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::simulator::Items;
use ld_dynamodb_relay::status::{Held, HeldReason};
use tokio::time::{Duration, Instant};

use crate::support::{Relay, TABLE, World, flag, flags, is_deleted, segment};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_11_a_patch_or_delete_that_is_not_newer_changes_nothing() {
    let world = World::with_flags(0).await;
    world.production.replace(flags(0..4, 5));
    let relay = world.relay().await;
    relay.settled().await;
    world.store.reset_counts();
    let key = |number: usize| ItemKey::flag(format!("flag-{number}"));
    // The same again, older, other content under the same version, an older deletion.
    world.production.send_patch(&key(0), &flag("flag-0", 5));
    world.production.send_patch(&key(1), &flag("flag-1", 4));
    let other = flag("flag-2", 5).replace("\"on\":true", "\"on\":false");
    world.production.send_patch(&key(2), &other);
    world
        .production
        .send_event("delete", r#"{"path":"/flags/flag-3","version":5}"#);
    // What is neither newer nor the same makes us ask again, and nothing comes of it.
    world
        .production
        .wait_until("asked again", |seen| {
            seen.connections == 2 && seen.open == 1
        })
        .await;
    world.production.put_flag(&flag("sentinel", 1));
    relay.written(5).await;
    assert_eq!(world.store.counts().writes(), 1, "the sentinel");
    world.assert_equal();
    assert_eq!(relay.count("changes_ignored_total", &["same"]), 1);
    assert_eq!(relay.count("changes_ignored_total", &["older"]), 3);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_13_a_restored_environment_comes_through_within_seconds() {
    let world = World::with_flags(0).await;
    world.production.replace(flags(0..10, 9));
    let relay = world.relay().await;
    relay.settled().await;
    // Restored from a copy: four lower versions, one gone, one with other content under its version, one forward.
    let began = Instant::now();
    let connections = world.production.connections();
    world.production.quietly(|items| {
        for (key, text) in flags(0..4, 3).iter() {
            items.insert_as(key.clone(), text.clone());
        }
        items.remove(&ItemKey::flag("flag-4"));
        let other = flag("flag-5", 9).replace("\"on\":true", "\"on\":false");
        items.insert(Kind::Flag, other);
        items.insert(Kind::Flag, flag("flag-6", 10));
    });
    world
        .production
        .replace_and_announce(world.production.items());
    relay
        .until("forward at once", |facts| facts.written == 11)
        .await;
    assert_eq!(world.stored("features", "flag-6"), Some(flag("flag-6", 10)));
    relay
        .until("the others wait to be said again", |facts| {
            facts.held.len() == 6 && facts.written == 11
        })
        .await;
    relay.written(17).await;
    assert!(began.elapsed() < Duration::from_secs(15));
    assert!(world.production.connections() - connections <= 2);
    world.assert_equal();
    assert_eq!(relay.count("versions_lowered_total", &[]), 4);
    // What was removed leaves a tombstone at the version that was stored, which keeps rivals from bringing it back.
    let row = world
        .store
        .row(TABLE, "features", "flag-4")
        .unwrap()
        .unwrap();
    assert_eq!(row.version(), Some(9));
    let tombstone: serde_json::Value = serde_json::from_str(row.item().unwrap()).unwrap();
    assert_eq!(tombstone["key"], "flag-4");
    assert_eq!(tombstone["version"], 9);
    assert_eq!(tombstone["deleted"], true);
    for member in [
        "variations",
        "rules",
        "prerequisites",
        "targets",
        "salt",
        "on",
    ] {
        assert!(!tombstone[member].is_null(), "{member}");
    }
    let rival = world.store.client().put_item().table_name(TABLE);
    let rival = [("namespace", "features"), ("key", "flag-4"), ("item", "{}")]
        .into_iter()
        .fold(rival, |put, (name, value)| {
            put.item(
                name,
                aws_sdk_dynamodb::types::AttributeValue::S(value.into()),
            )
        });
    let put = rival
        .condition_expression("attribute_not_exists(#k)")
        .expression_attribute_names("#k", "key")
        .send();
    assert!(put.await.is_err(), "put-if-absent finds the tombstone");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_36_one_stale_answer_does_no_harm() {
    let world = World::with_flags(0).await;
    world.production.replace(flags(0..30, 5));
    let relay = world.relay().await;
    relay.settled().await;
    relay.stop().await;
    world.store.reset_counts();
    // A replica that lags behind: most versions are older, some items are not there yet.
    world.production.stale_answers(1, &flags(0..20, 2));
    let relay = world.relay().await;
    relay
        .until("held", |facts| {
            facts.held.len() == 30
                && facts
                    .held
                    .values()
                    .all(|held| held.reason == HeldReason::Unconfirmed)
        })
        .await;
    world.production.wait_for_connections(3).await;
    relay
        .until("nothing is held", |facts| facts.held.is_empty())
        .await;
    relay.settled().await;
    assert_eq!(world.store.counts().writes(), 0, "nothing went backward");
    world.assert_equal();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_36_a_reconnection_to_a_replica_that_lags_behind_does_no_harm() {
    let world = World::with_flags(0).await;
    world.production.replace(flags(0..30, 5));
    let relay = world.relay().await;
    relay.settled().await;
    world.store.reset_counts();
    // The stream breaks off, and the next one begins with what was said long ago.
    world.production.stale_answers(1, &flags(0..20, 2));
    world.production.disconnect_all();
    relay
        .until("held", |facts| {
            let unconfirmed = |it: &Held| it.reason == HeldReason::Unconfirmed;
            facts.held.len() == 30 && facts.held.values().all(unconfirmed)
        })
        .await;
    relay
        .until("nothing is held", |facts| facts.held.is_empty())
        .await;
    relay.settled().await;
    assert_eq!(world.production.connections(), 3, "it was asked again");
    assert_eq!(world.store.counts().writes(), 0, "nothing went backward");
    world.assert_equal();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_09_an_empty_put_over_a_filled_table_removes_nothing() {
    let world = World::with_flags(30).await;
    world.production.quietly(|items| {
        items.insert(Kind::Segment, segment("people", 1));
    });
    let relay = world.relay().await;
    relay.settled().await;
    relay.stop().await;
    world.store.reset_counts();
    world.production.replace(Items::default());
    let relay = world.relay().await;
    relay.until("the brake", |facts| facts.braked == 31).await;
    relay.settled().await;
    let facts = relay.facts();
    assert_eq!(world.store.counts().writes(), 0);
    assert_eq!(facts.held.len(), 31);
    assert!(facts.held.values().all(|it| it.reason == HeldReason::Brake));
    // New items go on meanwhile, and bring back what they name.
    world.production.put_flag(&flag("flag-3", 2));
    world.production.put_flag(&flag("new", 1));
    relay.written(2).await;
    assert_eq!(world.stored("features", "flag-3"), Some(flag("flag-3", 2)));
    assert_eq!(world.store.counts().writes(), 2);
    assert_eq!(relay.facts().braked, 30);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_09_an_operator_may_confirm_the_removal_of_most_items() {
    let world = World::with_flags(30).await;
    let relay = world.relay().await;
    relay.settled().await;
    relay.stop().await;
    world.production.replace(flags(0..4, 2));
    let relay = Relay::start_with(world.config(), Some(26), |_| {}).await;
    relay.written(4 + 26).await;
    world.assert_equal();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_09_a_missing_kind_is_empty_and_an_empty_environment_gets_its_marker() {
    let world = World::new().await;
    let put = r#"{"path":"/","data":{}}"#;
    world
        .production
        .next(ld_dynamodb_relay::simulator::Behaviour::bytes(format!(
            "event: put\ndata: {put}\n\n"
        )));
    let relay = world.relay().await;
    relay.settled().await;
    let rows = world.store.table(TABLE).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((&*rows[0].namespace, &*rows[0].key), ("$inited", "$inited"));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_16_the_deletion_of_what_was_never_there_leaves_a_tombstone() {
    let world = World::with_flags(1).await;
    let relay = world.relay().await;
    relay.settled().await;
    world.production.delete_flag("unheard-of", 7);
    world.production.delete_segment("nobody", 3);
    relay.written(3).await;
    for (namespace, key, version) in [("features", "unheard-of", 7), ("segments", "nobody", 3)] {
        let row = world.store.row(TABLE, namespace, key).unwrap().unwrap();
        assert_eq!(row.version(), Some(version));
        assert!(is_deleted(row.item().unwrap()));
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_17_what_was_deleted_comes_back_with_a_higher_version_only() {
    let world = World::with_flags(1).await;
    let relay = world.relay().await;
    relay.settled().await;
    world.production.delete_flag("flag-0", 5);
    relay.written(2).await;
    // Late patches of before the deletion, and of its own version.
    for version in [4, 5] {
        world
            .production
            .send_patch(&ItemKey::flag("flag-0"), &flag("flag-0", version));
    }
    world
        .production
        .wait_until("asked again", |seen| {
            seen.connections == 2 && seen.open == 1
        })
        .await;
    world.production.put_flag(&flag("sentinel", 1));
    relay.written(3).await;
    assert!(is_deleted(&world.stored("features", "flag-0").unwrap()));
    world.production.put_flag(&flag("flag-0", 6));
    relay.written(4).await;
    assert_eq!(world.stored("features", "flag-0"), Some(flag("flag-0", 6)));
    assert_eq!(relay.facts().written, 4);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_backward_is_confirmed_while_a_long_write_goes_on() {
    let world = World::with_flags(0).await;
    world.production.replace(flags(0..1, 9));
    let relay = world.relay().await;
    relay.settled().await;
    world.store.limit(Some(50.0));
    world.production.quietly(|items| {
        items.insert(Kind::Flag, flag("flag-0", 3));
        for (key, text) in flags(1..700, 1).iter() {
            items.insert_as(key.clone(), text.clone());
        }
    });
    world
        .production
        .replace_and_announce(world.production.items());
    relay
        .until("confirmed", |_| {
            relay.count("versions_lowered_total", &[]) == 1
        })
        .await;
    assert!(relay.facts().pending > 0, "there was work all the time");
    assert_eq!(world.stored("features", "flag-0"), Some(flag("flag-0", 3)));
    world.store.limit(None);
    relay.settled().await;
    world.assert_equal();
    relay.stop().await;
}
