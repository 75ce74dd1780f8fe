//! What changes in the table without us is found and put right, or only reported where we are told to leave it.

use std::time::Duration;

use ld_dynamodb_relay::config::Config;
use ld_dynamodb_relay::simulator::store::Row;
use ld_dynamodb_relay::status::TablePhase;
use tokio::time::Instant;

use crate::support::named::{relay_named, told};
use crate::support::{TABLE, World, flag, is_settled};

fn looking_often(config: &mut Config) {
    config.upkeep.verify_interval = Duration::from_millis(400);
    config.upkeep.marker_check_interval = Duration::from_millis(100);
}

/// Five rows that changed behind everybody's back, each in its way.
fn meddle(world: &World) {
    let put = |row| world.store.put_row(TABLE, row).unwrap();
    let row = |key: &str, version| Row::new("features", key).at_version(version);
    put(row("flag-0", 1).holding(flag("flag-0", 1).replace("true", "false")));
    put(row("extra", 1).holding(flag("extra", 1)));
    put(row("flag-1", 1).holding(flag("flag-1", 1)));
    put(row("flag-2", 7).holding(flag("flag-2", 7)));
    world.store.delete_row(TABLE, "features", "flag-3").unwrap();
}

const TYPES: [&str; 5] = ["altered", "extra", "older", "newer", "missing"];

async fn world_with_flag_1_at_2() -> World {
    let world = World::with_flags(30).await;
    world.production.quietly(|items| {
        items.insert(ld_dynamodb_relay::model::Kind::Flag, flag("flag-1", 2));
    });
    world
}

/// The marker is looked at each 30 s by default; what follows that look takes no longer than it does here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_was_emptied_is_whole_again_soon_after_the_next_look_at_the_marker() {
    let world = World::with_flags(60).await;
    let (relay, _) = relay_named(&world, "flooded", |config| {
        config.upkeep.marker_check_interval = Duration::from_millis(500);
    })
    .await;
    relay.settled().await;
    world.store.clear(TABLE, "").unwrap();
    let emptied = Instant::now();
    relay.written(120).await;
    world
        .store
        .wait_until("the marker is back", |_| is_marked(&world))
        .await;
    assert!(emptied.elapsed() < Duration::from_secs(20));
    relay.settled().await;
    world.assert_equal();
    assert_eq!(relay.count("drift_total", &["\"missing\""]), 60);
    assert_eq!(relay.count("repairs_total", &["\"missing\""]), 60);
    assert_eq!(relay.count("drift_total", &["\"marker\""]), 1);
    assert_eq!(world.production.seen().attempts, 1);
    // Twenty rows by name, and the others by their number.
    let found = told("flooded", "WARN", "a row changed without us");
    assert_eq!(found.len(), 20, "{found:?}");
    let many = told("flooded", "WARN", "many rows changed without us");
    assert_eq!(many.len(), 1);
    assert!(
        many[0].contains("rows=60 by_type=\"missing=60\""),
        "{many:?}"
    );
    assert_eq!(told("flooded", "INFO", "stored kind=").len(), 20);
    let repaired = told("flooded", "INFO", "repaired rows=60");
    assert_eq!(repaired.len(), 1, "{repaired:?}");
    relay.stop().await;
}

fn is_marked(world: &World) -> bool {
    let marker = world.store.row(TABLE, "$inited", "$inited").unwrap();
    marker.is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_vanish_beside_the_marker_are_found_by_a_verify() {
    let world = World::with_flags(30).await;
    let relay = world.relay_with(looking_often).await;
    relay.settled().await;
    for number in 0..30 {
        let key = format!("flag-{number}");
        world.store.delete_row(TABLE, "features", &key).unwrap();
    }
    relay.written(60).await;
    world.assert_equal();
    assert_eq!(relay.count("repairs_total", &["\"missing\""]), 30);
    assert_eq!(relay.count("drift_total", &["\"marker\""]), 0);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_was_deleted_is_named_and_filled_once_it_is_there_again() {
    let world = World::with_flags(30).await;
    let (relay, _) = relay_named(&world, "deleted", looking_often).await;
    relay.settled().await;
    let client = world.store.client();
    client
        .delete_table()
        .table_name(TABLE)
        .send()
        .await
        .unwrap();
    relay
        .until("misconfigured", |facts| {
            facts.table.0 == TablePhase::Misconfigured
        })
        .await;
    assert_eq!(
        relay.facts().table_advice.as_deref(),
        Some(
            "table flags does not exist: create it with partition key namespace (S) and sort key key (S), or correct its name, or AWS_REGION where it is in another region"
        )
    );
    world.store.create_table(TABLE).unwrap();
    relay.written(60).await;
    world
        .store
        .wait_until("the marker is back", |_| is_marked(&world))
        .await;
    relay.settled().await;
    world.assert_equal();
    assert_eq!(relay.facts().table_advice, None);
    assert_eq!(world.production.seen().attempts, 1);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_met_a_deleted_table_is_stored_once_it_is_there_again() {
    let world = World::with_flags(30).await;
    let relay = world.relay_with(looking_often).await;
    relay.settled().await;
    let client = world.store.client();
    client
        .delete_table()
        .table_name(TABLE)
        .send()
        .await
        .unwrap();
    world.production.put_flag(&flag("flag-3", 2));
    world.production.put_flag(&flag("new", 1));
    relay
        .until("the changes wait", |facts| {
            facts.table.0 == TablePhase::Misconfigured
                && relay.count("write_errors_total", &["table_missing"]) > 0
        })
        .await;
    world.store.create_table(TABLE).unwrap();
    relay.written(61).await;
    world
        .store
        .wait_until("the marker is back", |_| is_marked(&world))
        .await;
    relay.settled().await;
    world.assert_equal();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_were_altered_are_put_right() {
    let world = world_with_flag_1_at_2().await;
    let relay = world.relay_with(looking_often).await;
    relay.settled().await;
    meddle(&world);
    relay
        .until("all five are repaired", |facts| {
            is_settled(facts) && relay.count("repairs_total", &[]) == 5
        })
        .await;
    world.assert_equal();
    for kind in TYPES {
        let label = format!("\"{kind}\"");
        assert_eq!(relay.count("drift_total", &[&label]), 1, "{kind}");
        assert_eq!(relay.count("repairs_total", &[&label]), 1, "{kind}");
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_repair_off_drift_is_reported_and_left_and_changes_go_on() {
    let world = world_with_flag_1_at_2().await;
    let relay = world
        .relay_with(|config| {
            looking_often(config);
            config.upkeep.repair = false;
        })
        .await;
    relay.settled().await;
    world.store.reset_counts();
    meddle(&world);
    world.store.delete_row(TABLE, "$inited", "$inited").unwrap();
    relay
        .until("the drift is reported", |_| {
            relay.count("drift_total", &[]) == 6
        })
        .await;
    // Changes go on, also of what has drifted.
    world.production.put_flag(&flag("flag-0", 2));
    world.production.put_flag(&flag("flag-9", 2));
    relay
        .until("the changes are stored", |facts| facts.written == 32)
        .await;
    let verified = relay.facts().verified.unwrap().monotonic;
    relay
        .until("verified twice more", |facts| {
            facts.verified.unwrap().monotonic > verified + Duration::from_millis(600)
        })
        .await;
    assert_eq!(world.store.counts().writes_accepted(), 2);
    assert_eq!(relay.count("drift_total", &[]), 6, "each is reported once");
    assert!(!relay.facts().initialized);
    assert_eq!(world.stored("features", "flag-3"), None);
    assert_eq!(world.stored("features", "flag-2"), Some(flag("flag-2", 7)));
    assert_eq!(world.stored("features", "flag-0"), Some(flag("flag-0", 2)));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_marker_that_was_removed_comes_back_after_everything_was_looked_at() {
    let world = World::with_flags(10).await;
    let relay = world
        .relay_with(|config| config.upkeep.marker_check_interval = Duration::from_millis(100))
        .await;
    relay.settled().await;
    world.store.reset_counts();
    world.store.delete_row(TABLE, "$inited", "$inited").unwrap();
    world.store.delete_row(TABLE, "features", "flag-4").unwrap();
    relay.written(11).await;
    world
        .store
        .wait_until("both are written", |counts| counts.writes_accepted() == 2)
        .await;
    relay.settled().await;
    world.assert_equal();
    let log = world.store.log();
    let writes = log.iter().filter(|it| it.request.operation.writes());
    let keys: Vec<_> = writes
        .map(|it| it.request.key.as_deref().unwrap())
        .collect();
    assert_eq!(
        keys,
        ["flag-4", "$inited"],
        "the marker vouches for the rest"
    );
    relay.stop().await;
}
