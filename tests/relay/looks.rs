//! When the table is looked at: again soon where something vanished, and also while there is much to write.

use std::time::Duration;

use ld_dynamodb_relay::model::ItemKey;
use ld_dynamodb_relay::simulator::store::{Fault, Operation, StoreRefusal};

use crate::support::named::relay_named;
use crate::support::{TABLE, World, flag};

fn is_marked(world: &World) -> bool {
    let marker = world.store.row(TABLE, "$inited", "$inited").unwrap();
    marker.is_some()
}

/// As a script does it that scans a table and deletes what it found, one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_vanish_after_the_marker_came_back_are_found_soon() {
    let world = World::with_flags(30).await;
    let relay = world
        .relay_with(|config| config.upkeep.marker_check_interval = Duration::from_secs(1))
        .await;
    relay.settled().await;
    for round in 1..=2 {
        world.store.delete_row(TABLE, "$inited", "$inited").unwrap();
        world.store.delete_row(TABLE, "features", "flag-0").unwrap();
        world
            .store
            .wait_until("the marker is back", |_| is_marked(&world))
            .await;
        for number in 1..4 {
            let key = format!("flag-{number}");
            world.store.delete_row(TABLE, "features", &key).unwrap();
        }
        relay.written(30 + 4 * round).await;
        world.assert_equal();
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_is_looked_at_while_there_is_much_to_write() {
    let world = World::with_flags(300).await;
    world.store.latency(Duration::from_millis(10));
    let relay = world
        .relay_with(|config| {
            config.store.write_concurrency = 1;
            config.upkeep.verify_interval = Duration::from_millis(200);
        })
        .await;
    relay
        .until("some are stored", |facts| facts.written >= 20)
        .await;
    let mut rows = world.store.rows(TABLE, "features").unwrap().into_iter();
    let key = rows.next().unwrap().key;
    drop(rows);
    world.store.delete_row(TABLE, "features", &key).unwrap();
    relay
        .until("it is found", |_| {
            relay.count("drift_total", &["\"missing\""]) == 1
        })
        .await;
    assert!(
        relay.facts().written < 300,
        "it is found before all is written"
    );
    world.store.latency(Duration::ZERO);
    relay.written(301).await;
    world.assert_equal();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_that_dynamodb_refused_is_tried_again_at_a_verify() {
    let world = World::with_flags(3).await;
    let (relay, control) = relay_named(&world, "forgiven", |_| {}).await;
    relay.settled().await;
    let fault = Fault::refuse(StoreRefusal::Validation).on(Operation::PutItem);
    let fault = world.store.inject(fault.for_key("indexed"));
    world.production.put_flag(&flag("indexed", 1));
    let key = ItemKey::flag("indexed");
    relay
        .until("held", |facts| facts.held.contains_key(&key))
        .await;
    fault.withdraw();
    control.sync();
    relay.written(4).await;
    assert!(relay.facts().held.is_empty());
    world.assert_equal();
    relay.stop().await;
}
