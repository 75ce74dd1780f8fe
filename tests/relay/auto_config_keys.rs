//! Keys of environments that auto-configuration lists, rotated while something goes wrong.

use ld_dynamodb_relay::simulator::Behaviour;
use ld_dynamodb_relay::simulator::launchdarkly::Items;
use ld_dynamodb_relay::status::HeldReason;

use crate::support::rostered::{Rostered, RosteredRelay};
use crate::support::{flag, flags};

/// Milliseconds since 1970, in some thousand years.
const NEVER: u64 = 100_000_000_000_000;

/// Twenty flags at version 5, stored.
async fn stored() -> (Rostered, RosteredRelay) {
    let it = Rostered::new(["keys-a"]).await;
    it.environment("keys-a").replace(flags(0..20, 5));
    let relay = it.relay().await;
    relay.settled(&["keys-a"]).await;
    it.store.reset_counts();
    (it, relay)
}

/// What the replica says that lags behind: lower versions, and not all.
fn stale() -> Items {
    flags(0..15, 2)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_a_stale_replica_answers_writes_nothing_backward() {
    for grace in [Some(NEVER), None] {
        let (it, relay) = stored().await;
        let environment = it.environment("keys-a");
        environment.stale_answers(1, &stale());
        it.roster.rotate_key("keys-a", "sdk-new", grace);
        relay
            .until("keys-a", "held", |facts| {
                let mut held = facts.held.values();
                facts.held.len() == 20 && held.all(|it| it.reason == HeldReason::Unconfirmed)
            })
            .await;
        relay
            .until("keys-a", "nothing is held", |facts| facts.held.is_empty())
            .await;
        relay.settled(&["keys-a"]).await;
        assert_eq!(it.store.counts().writes(), 0, "nothing went backward");
        it.assert_equal(["keys-a"]);
        relay.stop().await;
    }
}

/// LaunchDarkly does not know the new key yet. The stream of the old one goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_new_key_leaves_the_old_stream_open() {
    let (it, relay) = stored().await;
    let environment = it.environment("keys-a");
    environment.next(Behaviour::status(401));
    it.roster.rotate_key("keys-a", "sdk-new", Some(NEVER));
    environment.wait_for_attempts(2).await;
    environment.put_flag(&flag("flag-1", 6));
    relay
        .until("keys-a", "stored", |facts| facts.written == 21)
        .await;
    it.assert_equal(["keys-a"]);
    assert_eq!(environment.seen().gaps, 0);
    relay.stop().await;
}

/// A description that cannot be used leaves the client that works as it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_no_header_carries_harms_nothing() {
    let (it, relay) = stored().await;
    it.roster.send_event(
        "patch",
        r#"{"path": "/environments/keys-a", "data": {"envID": "keys-a", "version": 9, "sdkKey": {"value": "sdk-\u0001"}}}"#,
    );
    relay
        .until_roster("refused", |facts| facts.refused.len() == 1)
        .await;
    let refused = relay.status.facts().refused.remove(0);
    assert_eq!((&*refused.id, refused.serving), ("keys-a", true));
    let environment = it.environment("keys-a");
    environment.put_flag(&flag("flag-1", 6));
    relay
        .until("keys-a", "stored", |facts| facts.written == 21)
        .await;
    assert_eq!(
        environment.seen().attempts,
        1,
        "the stream is the first one"
    );
    relay.stop().await;
}
