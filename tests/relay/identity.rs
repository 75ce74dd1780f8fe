//! Row 38 of the table of faults: an SDK key that came to belong to another environment overwrites nothing.

use std::time::Duration;

use ld_dynamodb_relay::simulator::store::{Attribute, Fault, Operation, Row, StoreRefusal};
use ld_dynamodb_relay::status::{Facts, TablePhase, health};
use tokio::time::Instant;

use crate::support::named::{relay_named, told};
use crate::support::{TABLE, World, assert_equal, flag, flags};

const IDENTITY: &str = "$identity";

/// What is remembered of whose data it is.
fn remembered(world: &World) -> Option<String> {
    let row = world.store.row(TABLE, IDENTITY, IDENTITY).unwrap()?;
    match row.attributes.get("environmentId") {
        Some(Attribute::S(id)) => Some(id.clone()),
        other => panic!("{other:?}"),
    }
}

fn remember(world: &World, id: &str) {
    let row = Row::new(IDENTITY, IDENTITY);
    let row = row.with("environmentId", Attribute::S(id.into()));
    world.store.put_row(TABLE, row).unwrap();
}

fn is_refused(facts: &Facts) -> bool {
    let advice = facts.table_advice.as_deref().unwrap_or_default();
    facts.table.0 == TablePhase::Misconfigured && advice.contains("; nothing is written. ")
}

/// A world whose table holds thirty flags of the environment `ours`.
async fn filled() -> World {
    let world = World::with_flags(30).await;
    world.production.set_id("ours");
    let relay = world.relay().await;
    relay.settled().await;
    relay.stop().await;
    world.store.reset_counts();
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_data_it_is_is_remembered_first_and_costs_nothing_later() {
    let world = World::with_flags(30).await;
    world.production.set_id("ours");
    let relay = world.relay().await;
    relay.settled().await;
    let log = world.store.log();
    let mut writes = log.iter().filter(|it| it.request.operation.writes());
    let first = writes.next().unwrap();
    assert_eq!(first.request.namespace.as_deref(), Some(IDENTITY));
    assert_eq!(remembered(&world).as_deref(), Some("ours"));
    world.assert_equal();
    let units = ["\"identity\"", "\"write\""];
    assert_eq!(relay.count("capacity_units_total", &units), 1);
    relay.stop().await;
    world.store.reset_counts();
    let relay = world.relay().await;
    relay.settled().await;
    assert_eq!(world.store.counts().writes(), 0);
    assert_eq!(relay.count("capacity_units_total", &units), 0);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_launchdarkly_names_nobody_nothing_is_remembered_or_checked() {
    let world = World::with_flags(3).await;
    let (relay, _) = relay_named(&world, "nameless", |config| {
        config.environments[0].environment_id = Some("whoever".into());
    })
    .await;
    relay.settled().await;
    assert_eq!(remembered(&world), None);
    remember(&world, "somebody");
    world.production.put_flag(&flag("flag-1", 2));
    relay.written(4).await;
    world.assert_equal();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_38_a_key_of_another_environment_writes_nothing_until_it_is_right_again() {
    let world = filled().await;
    let (relay, control) = relay_named(&world, "turned", |_| {}).await;
    relay.settled().await;
    let ours = world.production.items();
    // Newer, lower and other items, and most are missing.
    world.production.set_id("theirs");
    world.production.replace(flags(0..8, 9));
    world.production.disconnect_all();
    relay.until("refused", is_refused).await;
    let facts = relay.facts();
    assert_eq!(
        facts.table_advice.as_deref(),
        Some(
            "the SDK key of `turned` belongs to LaunchDarkly's environment theirs, but this prefix holds the data of ours; nothing is written. Check LD_ENV_turned; if theirs is meant, set LD_CLIENT_SIDE_ID_turned=theirs"
        )
    );
    let minute = Duration::from_mins(1);
    let now = health(&facts, Instant::now(), 5 * minute, minute);
    assert!(now.usable && now.degraded && !now.up_to_date);
    // Neither patches, nor drift, nor an operator makes it write; looks at the table do not end it.
    world.production.put_flag(&flag("flag-2", 10));
    world.production.delete_flag("flag-3", 11);
    world
        .store
        .delete_row(TABLE, "features", "flag-20")
        .unwrap();
    for _ in 0..3 {
        let verified = relay.facts().verified.unwrap().monotonic;
        control.sync();
        control.release(25);
        relay
            .until("verified", |facts| {
                facts.verified.unwrap().monotonic > verified
            })
            .await;
        assert!(is_refused(&relay.facts()));
    }
    assert_eq!(relay.count("drift_total", &["\"missing\""]), 1);
    assert_eq!(world.store.counts().writes(), 0);
    assert!(relay.facts().initialized);
    assert_eq!(told("turned", "ERROR", "nothing is written").len(), 1);
    // The right key is back, and with it a change.
    world.production.set_id("ours");
    world.production.replace(ours);
    world
        .production
        .quietly(|items| items.insert_as(key("flag-5"), flag("flag-5", 2)));
    world.production.disconnect_all();
    relay.written(2).await;
    world.assert_equal();
    assert_eq!(world.store.counts().writes_accepted(), 2);
    assert_eq!(relay.facts().table_advice, None);
    assert_eq!(told("turned", "INFO", "writing goes on").len(), 1);
    relay.stop().await;
}

fn key(name: &str) -> ld_dynamodb_relay::model::ItemKey {
    ld_dynamodb_relay::model::ItemKey::flag(name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_with_a_wrong_key_is_refused_and_outlives_an_outage() {
    let world = filled().await;
    world.production.set_id("theirs");
    world.production.replace(flags(0..30, 9));
    let (relay, _) = relay_named(&world, "restarted", |config| {
        config.upkeep.marker_check_interval = Duration::from_millis(100);
    })
    .await;
    // Once everything was read nothing but the marker and the ID is looked at.
    relay
        .until("read, and refused", |facts| {
            facts.verified.is_some() && is_refused(facts)
        })
        .await;
    let away = world
        .store
        .inject(Fault::refuse(StoreRefusal::AccessDenied).on_reads());
    // Both at one time, so either may be refused first. Its partition is named.
    relay
        .until("without permission", |facts| {
            let advice = facts.table_advice.as_deref().unwrap_or_default();
            let mut partitions = ["$inited", IDENTITY].iter();
            partitions.any(|name| advice.ends_with(&format!("they must include {name}")))
        })
        .await;
    away.withdraw();
    relay.until("refused still", is_refused).await;
    assert_eq!(world.store.counts().writes(), 0);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_setting_has_the_last_word() {
    let world = filled().await;
    world.production.set_id("theirs");
    world.production.replace(flags(0..30, 9));
    let (relay, _) = relay_named(&world, "meant", |config| {
        config.environments[0].environment_id = Some("theirs".into());
    })
    .await;
    relay.written(30).await;
    world.assert_equal();
    assert_eq!(remembered(&world).as_deref(), Some("theirs"));
    relay.stop().await;
    // And it refuses before an empty table, too.
    world.store.clear(TABLE, "").unwrap();
    world.store.reset_counts();
    let (relay, _) = relay_named(&world, "mistaken", |config| {
        config.environments[0].environment_id = Some("ours".into());
    })
    .await;
    relay.until("refused", is_refused).await;
    assert_eq!(
        relay.facts().table_advice.as_deref(),
        Some(
            "the SDK key of `mistaken` belongs to LaunchDarkly's environment theirs, but LD_CLIENT_SIDE_ID_mistaken says ours; nothing is written. Check LD_ENV_mistaken"
        )
    );
    assert_eq!(world.store.counts().writes(), 0);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_remembered_is_read_again_by_each_verify() {
    let world = filled().await;
    let (relay, control) = relay_named(&world, "reread", |_| {}).await;
    relay.settled().await;
    // Another instance was told that this prefix is another environment's now.
    remember(&world, "theirs");
    control.sync();
    relay.until("refused", is_refused).await;
    world.production.put_flag(&flag("flag-1", 2));
    remember(&world, "ours");
    control.sync();
    relay.written(1).await;
    world.assert_equal();
    // What is gone is remembered again, and so is what cannot be read.
    let odd = Row::new(IDENTITY, IDENTITY).with("environmentId", Attribute::N("7".into()));
    for spoil in [None, Some(odd)] {
        world.store.delete_row(TABLE, IDENTITY, IDENTITY).unwrap();
        if let Some(row) = spoil {
            world.store.put_row(TABLE, row).unwrap();
        }
        world.store.reset_counts();
        control.sync();
        world
            .store
            .wait_until("remembered", |counts| counts.writes_accepted() == 1)
            .await;
        assert_eq!(remembered(&world).as_deref(), Some("ours"));
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_table_gets_it_back_with_its_data() {
    let world = filled().await;
    let (relay, control) = relay_named(&world, "emptied", |_| {}).await;
    relay.settled().await;
    world.store.clear(TABLE, "").unwrap();
    control.sync();
    relay.written(30).await;
    world.assert_equal();
    assert_eq!(remembered(&world).as_deref(), Some("ours"));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_environments_before_one_prefix_the_first_has_it() {
    let world = World::with_flags(30).await;
    world.production.set_id("ours");
    let other = world.launchdarkly.environment("sdk-other");
    other.set_id("theirs");
    other.replace(flags(10..50, 7));
    let (first, _) = relay_named(&world, "first", |_| {}).await;
    let (second, _) = relay_named(&world, "second", |config| {
        config.environments[0].sdk_key = "sdk-other".into();
    })
    .await;
    // Whoever it is, of the other one nothing is there.
    let done = |facts: &Facts| is_refused(facts) || crate::support::is_settled(facts);
    first.until("done", done).await;
    second.until("done", done).await;
    let refused = [&first, &second].map(|relay| is_refused(&relay.facts()));
    let winner = match (refused, remembered(&world).as_deref()) {
        ([false, true], Some("ours")) => &world.production,
        ([true, false], Some("theirs")) => &other,
        unexpected => panic!("{unexpected:?}"),
    };
    assert_equal(winner, &world.store, "");
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_name_their_ids_the_last_start_has_the_prefix() {
    let world = filled().await;
    let other = world.launchdarkly.environment("sdk-other");
    other.set_id("theirs");
    other.replace(flags(0..40, 7));
    let (first, control) = relay_named(&world, "insisting", |config| {
        config.environments[0].environment_id = Some("ours".into());
        config.upkeep.marker_check_interval = Duration::from_millis(100);
    })
    .await;
    first.settled().await;
    let (second, _) = relay_named(&world, "succeeding", |config| {
        config.environments[0].sdk_key = "sdk-other".into();
        config.environments[0].environment_id = Some("theirs".into());
    })
    .await;
    // It is told with the next look at the marker.
    first.until("refused", is_refused).await;
    let advice = first.facts().table_advice.unwrap();
    assert!(
        advice.contains("names theirs") || advice.contains("name theirs"),
        "{advice}"
    );
    assert!(
        advice.contains("Give one of both another LD_PREFIX"),
        "{advice}"
    );
    second.written(40).await;
    let written = first.facts().written;
    world.production.put_flag(&flag("flag-1", 99));
    let verified = first.facts().verified.map(|it| it.monotonic);
    control.sync();
    first
        .until("verified", |facts| {
            facts.verified.map(|it| it.monotonic) > verified
        })
        .await;
    assert!(is_refused(&first.facts()));
    assert_eq!(first.facts().written, written);
    assert_eq!(remembered(&world).as_deref(), Some("theirs"));
    assert_equal(&other, &world.store, "");
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_refused_does_not_get_the_prefix_when_it_is_emptied() {
    let world = filled().await;
    world.production.set_id("theirs");
    world.production.replace(flags(0..30, 9));
    let (relay, control) = relay_named(&world, "waiting", |_| {}).await;
    relay.until("refused", is_refused).await;
    world.store.clear(TABLE, "").unwrap();
    control.sync();
    relay
        .until("verified", |facts| facts.verified.is_some())
        .await;
    relay
        .until("the marker is gone", |facts| !facts.initialized)
        .await;
    assert!(is_refused(&relay.facts()));
    assert_eq!(world.store.counts().writes(), 0);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_permission_for_it_nothing_is_written_unguarded() {
    for (operation, words) in [
        (Operation::GetItem, "grant dynamodb:GetItem"),
        (Operation::PutItem, "grant dynamodb:PutItem"),
    ] {
        let world = World::with_flags(5).await;
        world.production.set_id("ours");
        let denied = Fault::refuse(StoreRefusal::AccessDenied).on(operation);
        let denied = world.store.inject(denied.in_namespace(IDENTITY));
        let relay = world.relay().await;
        relay
            .until("misconfigured", |facts| {
                facts.table.0 == TablePhase::Misconfigured && facts.said_everything
            })
            .await;
        let advice = relay.facts().table_advice.unwrap();
        let leading = "if its policy is limited to leading keys, they must include $identity";
        assert!(
            advice.contains(words) && advice.contains(leading),
            "{advice}"
        );
        assert_eq!(world.store.counts().writes_accepted(), 0);
        denied.withdraw();
        relay.settled().await;
        world.assert_equal();
        assert_eq!(remembered(&world).as_deref(), Some("ours"));
        relay.stop().await;
    }
}
