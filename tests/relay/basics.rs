//! The table is what LaunchDarkly says, byte for byte; only differences are written.

use ld_dynamodb_relay::simulator::generate;
use ld_dynamodb_relay::simulator::store::Operation;

use crate::support::{World, flag};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_put_fills_the_table() {
    let world = World::with_fixture().await;
    let relay = world.relay().await;
    relay.settled().await;
    world.assert_equal();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_without_change_writes_nothing() {
    let world = World::new().await;
    world.production.replace(generate(500, 7));
    let relay = world.relay().await;
    relay.settled().await;
    relay.stop().await;
    world.assert_equal();
    world.store.reset_counts();
    let relay = world.relay().await;
    relay.settled().await;
    let counts = world.store.counts();
    assert_eq!((counts.writes(), counts.write_units()), (0, 0.0));
    assert_eq!(
        counts.requests(Operation::GetItem),
        2,
        "the marker, and whose data it is"
    );
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patch_costs_one_request_and_nothing_is_read() {
    let world = World::with_fixture().await;
    let relay = world.relay().await;
    relay.settled().await;
    let before = relay.facts().written;
    world.store.reset_counts();
    world.production.put_flag(&flag("brand-new", 1));
    relay.written(before + 1).await;
    world.production.put_flag(&flag("brand-new", 2));
    relay.written(before + 2).await;
    world.production.delete_flag("brand-new", 3);
    relay.written(before + 3).await;
    let counts = world.store.counts();
    assert_eq!(
        (counts.requests(Operation::PutItem), counts.arrived),
        (3, 3)
    );
    world.assert_equal();
    relay.stop().await;
}
