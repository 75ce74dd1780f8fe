//! LaunchDarkly, or a webhook, tells of more than is said, and for a while nobody can ask for it.

use std::time::Duration;

use ld_dynamodb_relay::environment::Hint;
use tokio::time::Instant;

use crate::items::live;
use crate::launchdarkly::{Answer, flag, until};
use crate::relay::World;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// For 10 minutes no connection can be made, and `told` is told while one is open: it lives, and confirms nothing until
/// LaunchDarkly can be asked again.
async fn nothing_is_confirmed_after(told: impl FnOnce(&World)) {
    let world = World::with_flags(20).await;
    world.launchdarkly.patch(3, 2);
    until(Instant::now() + SECOND).await;
    world.assert_equal();
    world.launchdarkly.answers(Answer::Away);
    let start = Instant::now();
    told(&world);
    until(start + 10 * MINUTE).await;
    let facts = world.relay.facts();
    assert_eq!(world.launchdarkly.open_now(), 1);
    assert!(facts.heard.unwrap().monotonic > start + 5 * MINUTE);
    assert!(facts.confirmed().unwrap().monotonic <= start);
    assert!(!world.relay.is_up_to_date());
    world.launchdarkly.answers(Answer::Serves);
    until(Instant::now() + MINUTE).await;
    world.assert_equal();
    let confirmed = world.relay.facts().confirmed().unwrap().monotonic;
    assert!(confirmed > start + 10 * MINUTE);
    world.relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_an_older_version_nothing_is_confirmed_until_everything_was_said_again() {
    nothing_is_confirmed_after(|world| world.launchdarkly.patch(3, 1)).await;
}

#[tokio::test(start_paused = true)]
async fn after_a_webhook_that_the_stream_does_not_follow_nothing_is_confirmed_until_it_has_come() {
    nothing_is_confirmed_after(|world| {
        let mut items = world.launchdarkly.truth();
        items.insert(flag(4), live(&flag(4), 2, 0));
        world.launchdarkly.becomes(items);
        world.relay.control.hint(Hint {
            item: Some(flag(4)),
            happened: Instant::now(),
        });
    })
    .await;
}
