//! We are asked to stop.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::launchdarkly::{Answer, LaunchDarkly, until};
use crate::relay::Relay;
use crate::store::Fate;
use crate::table::{TIME_OUT, Table};

const SECOND: Duration = Duration::from_secs(1);
/// How long a request takes.
const LONG: Duration = Duration::from_secs(3);

#[tokio::test(start_paused = true)]
async fn a_stop_while_everything_is_under_way_ends_with_the_longest_request_and_begins_nothing() {
    for (fate, longest) in [(Fate::Done, LONG), (Fate::LostAfter, TIME_OUT)] {
        let (launchdarkly, table) = (LaunchDarkly::with_flags(500), Table::new());
        let relay = Relay::start(&launchdarkly, &table).await;
        relay
            .until("it was read", |facts| facts.verified.is_some())
            .await;
        table.lock().latency = LONG;
        relay.until("written", |facts| facts.written > 100).await;
        // A reopening that hangs and a reading of the table, beside the writes.
        launchdarkly.answers(Answer::Hangs);
        relay.control.sync();
        table.fates(fate);
        until(Instant::now() + 2 * LONG + SECOND).await;
        launchdarkly.patch(3, 2);
        assert_eq!(launchdarkly.open_now(), 2);
        let flying = table.lock().in_flight;
        let asked = table.lock().requests.len();
        assert!(flying > 20, "{flying} requests are under way");
        let took = relay.stop().await;
        assert!(took <= longest, "{took:?}");
        assert_eq!(table.lock().requests.len(), asked, "none was begun");
        assert_eq!(table.lock().in_flight, 0);
        let answered = table.lock().answered;
        assert_eq!(table.writes(), answered, "what was begun was finished");
        assert_eq!(launchdarkly.open_now(), 0);
        assert!(!table.lock().rows.marker);

        // The next start completes what is missing.
        table.fates(Fate::Done);
        launchdarkly.answers(Answer::Serves);
        let relay = Relay::start(&launchdarkly, &table).await;
        timeout(60 * LONG, relay.settled()).await.unwrap();
        table.assert_holds(&launchdarkly.truth());
        relay.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_anything_was_answered_ends_at_once() {
    let (launchdarkly, table) = (LaunchDarkly::with_flags(5), Table::new());
    let relay = Relay::start(&launchdarkly, &table).await;
    launchdarkly.next_opening().await;
    assert_eq!(relay.stop().await, Duration::ZERO);
    assert_eq!(table.lock().in_flight, 0);
    assert_eq!(table.writes(), 0);
}
