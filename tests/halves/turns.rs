//! LaunchDarkly has several replicas, of which some lag, and each connection is to the next one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ld_dynamodb_relay::environment::Source;
use secrecy::SecretString;
use tokio::time::Instant;

use crate::launchdarkly::{LaunchDarkly, Session, until};
use crate::relay::Relay;
use crate::table::Table;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const FLAGS: u32 = 100;
/// All connections are cut this often.
const CUTS: u32 = 12;
/// From one cut to the next.
const CUT: Duration = Duration::from_mins(5);
/// From one patch to the next.
const PATCH: Duration = Duration::from_secs(5);

/// Each connection is made to the next of these.
#[derive(Clone)]
struct Turns {
    replicas: Vec<LaunchDarkly>,
    made: Arc<AtomicUsize>,
}

impl Source for Turns {
    type Session = Session;

    fn open(&self, key: &SecretString) -> Session {
        let turn = self.made.fetch_add(1, Ordering::Relaxed);
        self.replicas[turn % self.replicas.len()].open(key)
    }
}

/// What an hour cost in which a flag was patched each 5 s and all connections were cut each 5 minutes.
#[derive(Debug)]
struct Hour {
    patches: usize,
    written: usize,
    /// Rows that got an older version.
    back: usize,
    /// How often everything was asked for again because something was held.
    asked: u64,
}

/// Each connection is to the next of these replicas: those that lag say everything a minute late. But for `late` and half a
/// minute after a cut, no row is behind for longer than `late`, and all is equal in the end.
async fn hour(lagging: &[bool], late: Duration) -> Hour {
    let (launchdarkly, table) = (LaunchDarkly::with_flags(FLAGS as usize), Table::new());
    let replicas = lagging.iter().map(|lags| match lags {
        true => launchdarkly.replica(MINUTE, MINUTE),
        false => launchdarkly.clone(),
    });
    let source = Turns {
        replicas: replicas.collect(),
        made: Arc::default(),
    };
    let relay = Relay::start(&source, &table).await;
    relay.settled().await;
    let start = Instant::now() + 2 * MINUTE;
    until(start).await;
    table.assert_holds(&launchdarkly.truth());
    table.forget();

    let mut truths = Vec::new();
    let mut patches = 0;
    while PATCH * patches < CUT * (CUTS + 1) {
        until(start + PATCH * patches).await;
        let since_cut = Duration::from_secs((PATCH * patches).as_secs() % CUT.as_secs());
        // Not before something has changed of which the replica that lags does not know.
        if since_cut.is_zero() && patches > 0 {
            launchdarkly.cut();
        }
        launchdarkly.patch((patches % FLAGS) as usize, u64::from(patches / FLAGS) + 2);
        truths.push((Instant::now(), launchdarkly.truth()));
        patches += 1;
        until(start + PATCH * patches - SECOND).await;
        if since_cut < late + MINUTE / 2 {
            continue;
        }
        let known = truths.partition_point(|(at, _)| *at + late <= Instant::now());
        let inner = table.lock();
        for (key, item) in &truths[known - 1].1 {
            let stored = inner.rows.rows[key].stamp.number();
            assert!(stored >= item.version(), "{key} after {since_cut:?}");
        }
    }
    until(Instant::now() + 2 * MINUTE).await;
    table.assert_holds(&launchdarkly.truth());
    assert!(relay.is_up_to_date(), "{:?}", relay.facts());
    assert_eq!(relay.metric("sessions_total", "closed"), u64::from(CUTS));
    let asked = relay.metric("reopens_total", "held");
    relay.stop().await;

    let inner = table.lock();
    let mut newest = HashMap::new();
    let back = inner.applied.iter().filter(|(_, key, version)| {
        let before = newest.insert(key.clone(), *version);
        before.is_some_and(|before| before > *version)
    });
    Hour {
        patches: patches as usize,
        back: back.count(),
        written: inner.applied.len(),
        asked,
    }
}

/// What the stale one says is asked about, and the fresh one answers.
#[tokio::test(start_paused = true)]
async fn where_every_other_answer_is_stale_nothing_goes_backward() {
    let hour = hour(&[false, true], SECOND).await;
    assert_eq!(hour.asked, u64::from(CUTS), "after each cut: {hour:?}");
    assert_eq!((hour.written, hour.back), (hour.patches, 0), "{hour:?}");
}

/// The second confirms the first. What changed in the last minute goes back then, and comes again within a minute.
#[tokio::test(start_paused = true)]
async fn where_two_answers_in_a_row_are_stale_what_went_back_comes_again() {
    let hour = hour(&[false, true, true], MINUTE + SECOND).await;
    // One cut leads to both of those that lag, and the next one to the fresh one.
    let pairs = CUTS / 2;
    assert_eq!(hour.asked, u64::from(pairs), "{hour:?}");
    let in_a_minute = MINUTE.as_secs() / PATCH.as_secs();
    let most = u64::from(pairs) * in_a_minute;
    assert!((1..=most).contains(&(hour.back as u64)), "{hour:?}");
    assert!(hour.written <= hour.patches + 2 * hour.back, "{hour:?}");
}
