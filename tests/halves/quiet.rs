//! Days in which all is well.

use std::time::Duration;

use ld_dynamodb_relay::writer::TableRequest;

use crate::relay::World;

const MINUTES_OF_A_DAY: u32 = 24 * 60;
const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn a_day_passes_in_which_nothing_changes() {
    let world = World::with_flags(50).await;
    for minute in 0..MINUTES_OF_A_DAY {
        world.at(MINUTE * minute).await;
        assert!(world.relay.is_up_to_date(), "in minute {minute}");
        let heard = world.relay.facts().heard.unwrap().monotonic.elapsed();
        assert!(heard <= 3 * MINUTE, "{heard:?}");
    }
    assert_eq!(world.table.writes(), 0);
    assert_eq!(world.launchdarkly.opened().len(), 1);
    // Each 15 minutes, a tenth more or less.
    let readings = world.table.readings();
    assert!((87..=107).contains(&readings), "{readings} verifies");
    // Each 30 s, but not while everything is read or was just read.
    let looks = world
        .table
        .count(|it| matches!(it, TableRequest::Vouchers { .. }));
    assert!((2_700..=3_000).contains(&looks), "{looks} looks");
    let rest = world
        .table
        .count(|it| !matches!(it, TableRequest::Vouchers { .. } | TableRequest::Page(_)));
    assert_eq!(rest, 0, "nothing else is asked of the table");
    assert_eq!(world.relay.metric("drift_total", ""), 0);
    assert_eq!(world.relay.metric("sessions_total", ""), 0);
    world.assert_equal();
    world.relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_day_with_a_patch_a_minute_and_a_reconnection_an_hour_costs_a_write_a_patch() {
    let world = World::with_flags(50).await;
    for minute in 0..MINUTES_OF_A_DAY {
        world.at(MINUTE * minute).await;
        let (number, version) = (minute % 50, minute / 50 + 2);
        world.launchdarkly.patch(number as usize, version.into());
        if minute % 60 == 30 {
            // At once, so that the patch is lost and the next connection brings it, or after it was told.
            let told = Duration::from_millis(1) * (minute / 60 % 2);
            world.at(MINUTE * minute + told).await;
            world.launchdarkly.cut();
        }
        world.at(MINUTE * minute + MINUTE / 2).await;
        assert!(world.relay.is_up_to_date(), "in minute {minute}");
    }
    world.assert_equal();
    let patches = MINUTES_OF_A_DAY as usize;
    assert_eq!(world.table.writes(), patches, "each is written once");
    assert_eq!(world.table.lock().applied.len(), patches);
    assert_eq!(world.launchdarkly.opened().len(), 25);
    assert_eq!(world.launchdarkly.most_open(), 1);
    assert_eq!(world.relay.metric("sessions_total", "closed"), 24);
    assert_eq!(world.relay.metric("drift_total", ""), 0);
    let measured = world.relay.metric("propagation_seconds_count", "received");
    assert_eq!(measured, patches as u64);
    world.relay.stop().await;
}
