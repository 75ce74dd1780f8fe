//! The table takes nothing for an hour, or loses what it had.

use std::time::Duration;

use tokio::time::Instant;

use crate::launchdarkly::until;
use crate::relay::World;
use crate::store::Fate;

const MINUTE: Duration = Duration::from_mins(1);
const FLAGS: usize = 100;
/// Patches a minute.
const STORM: u32 = 60;

/// For so many minutes requests become this, in a storm of patches: how many requests there were. Afterwards all is well.
async fn storm(fate: Fate, minutes: u32) -> usize {
    let world = World::with_flags(FLAGS).await;
    world.table.fates(fate);
    for number in 0..minutes * STORM {
        world.at(MINUTE / STORM * number).await;
        let (flag, version) = (number as usize % FLAGS, number as usize / FLAGS + 2);
        world.launchdarkly.patch(flag, version as u64);
    }
    world.at(MINUTE * minutes).await;
    let requests = world.table.lock().requests.len();
    let most = world.table.lock().most_in_flight;
    assert!(most <= 33, "32, and one that reads; there were {most}");
    assert!(world.table.lock().applied.is_empty());
    assert!(!world.relay.is_up_to_date());
    world.table.forget();
    world.table.fates(Fate::Done);
    until(Instant::now() + 2 * MINUTE).await;
    world.assert_equal();
    let applied = world.table.lock().applied.len();
    let patched = FLAGS.min((minutes * STORM) as usize);
    assert_eq!(applied, patched, "what was patched often is written once");
    assert_eq!(world.launchdarkly.opened().len(), 1, "nobody asks again");
    world.relay.stop().await;
    requests
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_a_store_in_a_storm_of_patches_costs_few_requests_and_loses_nothing() {
    let requests = storm(Fate::Failed, 60).await;
    assert!(requests < 8_000, "{requests} requests");
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_lost_answers_in_a_storm_of_patches_costs_few_requests_and_loses_nothing() {
    let requests = storm(Fate::LostBefore, 60).await;
    assert!(requests < 8_000, "{requests} requests");
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_permission_in_a_storm_of_patches_costs_fewer_and_loses_nothing() {
    let requests = storm(Fate::Denied, 60).await;
    assert!(requests < 5_000, "{requests} requests");
}

#[tokio::test(start_paused = true)]
async fn a_minute_of_throttling_in_a_storm_of_patches_keeps_to_its_pace_and_loses_nothing() {
    let requests = storm(Fate::Refused, 1).await;
    // 50 ms after a refusal it is tried again, by a few at once.
    assert!(requests < 12_000, "{requests} requests");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_emptied_is_full_again_within_a_minute() {
    let world = World::with_flags(FLAGS).await;
    world.table.lock().rows.empty();
    world.at(MINUTE).await;
    world.assert_equal();
    assert_eq!(world.table.writes(), FLAGS + 1);
    assert_eq!(world.launchdarkly.opened().len(), 1, "nobody asks again");
    world.relay.stop().await;
}
