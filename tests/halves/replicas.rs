//! Two of us with one table and prefix, one of which hears everything a minute late.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::launchdarkly::{LaunchDarkly, until};
use crate::relay::Relay;
use crate::table::Table;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const FLAGS: usize = 100;

struct Pair {
    launchdarkly: LaunchDarkly,
    table: Table,
    relays: [Relay; 2],
    start: Instant,
}

impl Pair {
    /// One of them hears changes a minute late. If it asks for everything, that is `stale`.
    async fn with(stale: Duration) -> Self {
        let (launchdarkly, table) = (LaunchDarkly::with_flags(FLAGS), Table::new());
        let replica = launchdarkly.replica(MINUTE, stale);
        let relays = [
            Relay::start(&launchdarkly, &table).await,
            Relay::start(&replica, &table).await,
        ];
        for relay in &relays {
            relay.settled().await;
        }
        let start = Instant::now() + 2 * MINUTE;
        until(start).await;
        table.assert_holds(&launchdarkly.truth());
        table.forget();
        Self {
            launchdarkly,
            table,
            relays,
            start,
        }
    }

    /// For an hour these flags are patched in turn, one after each `wait`: how many patches that makes.
    async fn patched_in_turn(&self, flags: usize, wait: Duration) -> usize {
        let mut patches = 0;
        while patches * wait < HOUR {
            until(self.start + wait * patches).await;
            let (number, version) = (patches as usize % flags, patches as usize / flags + 2);
            self.launchdarkly.patch(number, version as u64);
            patches += 1;
        }
        until(self.start + HOUR).await;
        patches as usize
    }

    /// How often a row was written, and how often it got an older version by that.
    fn written(&self) -> (usize, usize) {
        let mut newest = HashMap::new();
        let inner = self.table.lock();
        let back = inner.applied.iter().filter(|(_, key, version)| {
            let before = newest.insert(key.clone(), *version);
            before.is_some_and(|before| before > *version)
        });
        let back = back.count();
        (inner.applied.len(), back)
    }

    /// How often everything was asked for again by the one that is late.
    fn asked_again(&self) -> u64 {
        assert_eq!(self.relays[0].metric("reopens_total", ""), 0);
        self.relays[1].metric("reopens_total", "")
    }

    async fn ends_equal(self) {
        until(self.start + 2 * HOUR).await;
        self.table.assert_holds(&self.launchdarkly.truth());
        for relay in self.relays {
            assert!(relay.is_up_to_date(), "{:?}", relay.facts());
            assert!(relay.facts().contested.is_empty());
            relay.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_replicas_the_one_that_lags_writes_nothing_that_the_other_has_written() {
    let pair = Pair::with(Duration::ZERO).await;
    let patches = pair.patched_in_turn(FLAGS, 5 * SECOND).await;
    until(Instant::now() + MINUTE).await;
    assert_eq!(pair.written(), (patches, 0));
    let asked = pair.asked_again();
    assert!(
        asked <= 20,
        "{asked}: a verify finds what it has not heard of"
    );
    pair.ends_equal().await;
}

#[tokio::test(start_paused = true)]
async fn a_flag_that_changes_faster_than_one_of_two_replicas_lags_never_goes_backward() {
    let pair = Pair::with(Duration::ZERO).await;
    let patches = pair.patched_in_turn(1, 20 * SECOND).await;
    until(Instant::now() + MINUTE).await;
    assert_eq!(pair.written(), (patches, 0));
    let asked = pair.asked_again();
    assert!(asked <= 125, "{asked}: each 30 s at most");
    pair.ends_equal().await;
}

/// What is said twice counts, also where both are old: each is put right within a minute, and nobody fights.
#[tokio::test(start_paused = true)]
async fn a_replica_whose_full_sets_are_old_too_takes_little_back_and_all_is_equal_in_the_end() {
    for (flags, wait) in [(FLAGS, 5 * SECOND), (1, 20 * SECOND)] {
        let pair = Pair::with(MINUTE).await;
        let patches = pair.patched_in_turn(flags, wait).await;
        until(Instant::now() + MINUTE).await;
        let (written, back) = pair.written();
        // At each of its verifies, what changed in the last minute.
        assert!(back <= 5 * 13, "{back} went back");
        assert!(
            written <= patches + 3 * back,
            "{written} for {patches}, {back}"
        );
        let asked = pair.asked_again();
        assert!(asked <= 125, "{asked}: each 30 s at most");
        pair.ends_equal().await;
    }
}
