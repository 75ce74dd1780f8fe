//! A table that another writer has kept so far.

use ld_dynamodb_relay::simulator::store::Row;

use crate::support::{Relay, TABLE, World, flag, flags};

const DELETED: usize = 30;

/// A table as the writers for Java and .NET leave it: twenty-five live flags, and thirty that were deleted. LaunchDarkly says
/// so many of the live ones still.
async fn left_by_java(said: usize) -> World {
    let world = World::new().await;
    for number in 0..25 {
        put(
            &world,
            &format!("flag-{number}"),
            1,
            &flag(&format!("flag-{number}"), 1),
        );
    }
    for number in 0..DELETED {
        put(&world, &format!("deleted-{number}"), 3, "null");
    }
    world.production.replace(flags(0..said, 1));
    world
}

fn put(world: &World, key: &str, version: u64, text: &str) {
    let row = Row::new("features", key).at_version(version).holding(text);
    world.store.put_row(TABLE, row).unwrap();
}

/// Nothing is held and nothing removed. The deleted ones are written in a way that every SDK can read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_items_are_no_removals() {
    let world = left_by_java(25).await;
    let relay = world.relay().await;
    relay.settled().await;
    let facts = relay.facts();
    assert_eq!((facts.braked, facts.held.len()), (0, 0));
    let live: usize = facts.items.iter().map(|(_, live)| live).sum();
    assert_eq!(live, 25);
    let writes = world.store.counts().writes();
    assert_eq!(writes, DELETED as u64 + 1, "and the marker");
    for number in 0..DELETED {
        let key = format!("deleted-{number}");
        assert!(crate::support::is_deleted(
            &world.stored("features", &key).unwrap()
        ));
    }
    relay.stop().await;
}

/// Twenty-one of twenty-five are most of them. With the deleted ones it would be fifty-one of fifty-five.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_brake_counts_what_is_live() {
    let world = left_by_java(4).await;
    let relay = world.relay().await;
    relay.until("the brake", |facts| facts.braked > 0).await;
    assert_eq!(relay.facts().braked, 21);
    relay.stop().await;
    let confirmed = Relay::start_with(world.config(), Some(21), |_| {}).await;
    confirmed.written(21).await;
    for number in 4..25 {
        let stored = world.stored("features", &format!("flag-{number}")).unwrap();
        assert!(crate::support::is_deleted(&stored));
    }
    confirmed.stop().await;
}
