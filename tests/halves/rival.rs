//! Somebody else writes one of the rows, and never rests.

use std::time::Duration;

use ld_dynamodb_relay::model::Stamp;
use tokio::time::Instant;

use crate::items::live;
use crate::launchdarkly::{flag, until};
use crate::relay::World;
use crate::store::Row;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Each version is higher than ours, so to take it back has to be said again, and by then the row is another one.
#[tokio::test(start_paused = true)]
async fn who_rewrites_a_row_each_3_seconds_costs_a_connection_each_30_seconds_and_no_other_flag_waits()
 {
    let world = World::with_flags(20).await;
    let key = flag(1);
    let before = world.launchdarkly.opened().len();
    let mut rounds = 0;
    while 3 * SECOND * rounds < 2 * HOUR {
        world.at(3 * SECOND * rounds).await;
        rounds += 1;
        let stamp = Stamp::of(&live(&key, u64::from(rounds) + 1, 70));
        let since = Instant::now();
        let row = Row { stamp, since };
        world.table.lock().rows.rows.insert(key.clone(), row);
        if rounds % 20 == 0 {
            world.launchdarkly.patch(2, u64::from(rounds / 20) + 1);
            until(Instant::now() + SECOND).await;
            let stored = world.table.lock().rows.rows[&flag(2)].stamp.number();
            assert_eq!(stored, Some(u64::from(rounds / 20) + 1));
        }
    }
    let contested: Vec<_> = world.relay.facts().contested.into_iter().collect();
    assert_eq!(contested, [key]);
    let opened = world.launchdarkly.opened().len() - before;
    assert!((100..=243).contains(&opened), "{opened} connections");
    let writes = world.table.writes();
    assert!(writes <= opened + 120, "{writes} writes");
    // Whoever it was has stopped. What it wrote last is taken back after the next verify, if it was not met before.
    world.at(2 * HOUR + 17 * MINUTE).await;
    world.assert_equal();
    assert_eq!(world.relay.facts().contested.len(), 1);
    world.at(3 * HOUR + 10 * MINUTE).await;
    assert!(world.relay.facts().contested.is_empty());
    world.assert_equal();
    world.relay.stop().await;
}
