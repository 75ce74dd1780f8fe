//! How long is waited.

use super::*;
use crate::launchdarkly::{Endpoints, Transport};

const SECOND: Duration = Duration::from_secs(1);

fn follower() -> Follower {
    let endpoints = Endpoints {
        stream_uri: "http://localhost:1".to_owned(),
        base_uri: String::new(),
        read_timeout: SECOND,
        max_event_bytes: 1_000,
    };
    let client = Client::new(endpoints, Transport::Stream, None, &[], "test").unwrap();
    let templates = Templates::new("flags", "$CID").unwrap();
    let status = RosterStatus::auto_configured(clock::now());
    Follower::new(client, Kept::fixed("rel-1".into()), templates, status)
}

/// How long a wait that is ordered takes, for the whole wait that the jitter shortens by up to a half.
#[track_caller]
fn assert_waits(follower: &mut Follower, order: Reconnection, whole: Duration) {
    follower.open_at = None;
    follower.connect(order);
    let wait = follower.open_at.unwrap() - Instant::now();
    assert!((whole / 2..=whole).contains(&wait), "{order:?}: {wait:?}");
}

/// Malformed twice, an unknown event, malformed again: only the second wait is long, whatever connections did before.
#[tokio::test(start_paused = true)]
async fn one_good_event_ends_the_long_wait_for_what_cannot_be_used() {
    use Reconnection::{Close, Stay};
    let mut follower = follower();
    // LaunchDarkly answered 404 for an hour, and then the stream was good for days.
    for _ in 0..4 {
        wait(&mut follower.backoff, WaitCurve::Extended);
    }
    assert_waits(&mut follower, Close(WaitCurve::Normal), SECOND);
    assert_waits(&mut follower, Close(WaitCurve::Extended), 300 * SECOND);
    follower.connect(Stay);
    assert_waits(&mut follower, Close(WaitCurve::Normal), SECOND);
}

#[tokio::test(start_paused = true)]
async fn what_is_due_sooner_is_not_put_off() {
    let mut follower = follower();
    follower.open_at = None;
    follower.connect(Reconnection::RepeatAfter(10 * SECOND));
    let due = follower.open_at;
    follower.connect(Reconnection::Repeat(WaitCurve::Extended));
    assert_eq!(follower.open_at, due);
    follower.connect(Reconnection::AtOnce);
    assert_eq!(follower.open_at, Some(Instant::now()));
}
