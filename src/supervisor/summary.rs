//! One log line a minute that tells how all environments fare: what alarms are made from where nobody scrapes metrics.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tracing::info;

use crate::registry::EnvironmentRegistry;
use crate::status::{Facts, RosterStatus, Summary};

/// How often `run` writes the line.
pub const SUMMARY_INTERVAL: Duration = Duration::from_mins(1);

/// Writes the line every so often, for ever. The first comes as soon as it is known which environments there are, and of each
/// how it fares, and after one interval at the latest: a line from before that would tell of trouble that is none. `read_timeout` and `tolerated` are what `/status` computes health with.
pub async fn summarize(
    registry: &EnvironmentRegistry,
    roster: &RosterStatus,
    read_timeout: Duration,
    tolerated: Duration,
    every: Duration,
) {
    let tried = async {
        roster.wait_until(|facts| facts.known).await;
        // They come a moment later, if any do.
        registry
            .wait_until(|registered| !registered.is_empty())
            .await;
        for environment in &*registry.now() {
            environment.status.wait_until(Facts::is_tried).await;
        }
    };
    // Late or not, the line says what holds when it is written.
    let _in_time = timeout(every, tried).await;
    let mut times = interval_at(Instant::now(), every);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut written = HashMap::new();
    loop {
        times.tick().await;
        let (mut summary, mut writes) = (Summary::default(), 0);
        let before = std::mem::take(&mut written);
        for environment in &*registry.now() {
            let facts = environment.status.facts();
            summary.add(&facts, Instant::now(), read_timeout, tolerated);
            let name = Arc::clone(&environment.info.name);
            writes += facts
                .written
                .saturating_sub(before.get(&name).copied().unwrap_or(0));
            written.insert(name, facts.written);
        }
        info!(
            roster_known = roster.facts().known,
            environments = summary.environments,
            up_to_date = summary.up_to_date,
            stale = summary.stale,
            uninitialized = summary.uninitialized,
            keys_refused = summary.keys_refused,
            misconfigured = summary.misconfigured,
            removals_held = summary.removals_held,
            items_too_large = summary.items_too_large,
            items_malformed = summary.items_malformed,
            contested = summary.contested,
            writes,
            "summary"
        );
    }
}
