//! Redirections are followed within a host, and the SDK key never leaves it. Row 32 of the table of faults.

use ld_dynamodb_relay::simulator::launchdarkly::Key;
use ld_dynamodb_relay::simulator::{ANY_PORT, Behaviour, LaunchDarkly};
use ld_dynamodb_relay::status::{ErrorKind, SourcePhase};

use crate::support::several::{Several, key};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_32_redirections_within_a_host_are_followed() {
    let cases = [
        ("row-32-301", 301),
        ("row-32-302", 302),
        ("row-32-307", 307),
        ("row-32-308", 308),
    ];
    let several = Several::new(cases.iter().map(|(name, _)| *name)).await;
    for ((_, status), environment) in cases.iter().zip(&several.environments) {
        environment.next_times(2, &Behaviour::redirect(*status, "/all"));
    }
    let relay = several.relay().await;
    relay.all_settled().await;
    several.assert_all_equal();
    for environment in &several.environments {
        assert_eq!(environment.seen().attempts, 3, "no failure in between");
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_32_the_key_never_goes_to_another_host() {
    let elsewhere = LaunchDarkly::start(ANY_PORT).await.unwrap();
    let uri = elsewhere.uri();
    let cases = [
        ("row-32-port", format!("{uri}/all")),
        (
            "row-32-name",
            format!("{}/all", uri.replace("127.0.0.1", "localhost")),
        ),
        (
            "row-32-address",
            format!("{}/all", uri.replace("127.0.0.1", "127.0.0.2")),
        ),
        (
            "row-32-relative",
            format!("{}/all", uri.replace("http:", "")),
        ),
    ];
    let several = Several::new(cases.iter().map(|(name, _)| *name)).await;
    for ((name, location), environment) in cases.iter().zip(&several.environments) {
        elsewhere.environment(&key(name));
        environment.next(Behaviour::redirect(307, location));
    }
    let relay = several.relay().await;
    // It counts as a failed connection, and the next attempt is not redirected.
    relay.all_settled().await;
    several.assert_all_equal();
    assert!(elsewhere.requests().is_empty(), "nothing was even asked");
    assert!(
        several
            .launchdarkly
            .requests()
            .iter()
            .all(|request| request.key != Key::Absent)
    );
    for status in &relay.statuses {
        let error = status.facts().last_error.unwrap();
        assert!(error.message.contains("another host"), "{}", error.message);
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_32_a_loop_and_another_scheme_are_failures_that_pass() {
    let several = Several::new(["row-32-loop", "row-32-scheme"]).await;
    several.environments[0].next_times(6, &Behaviour::redirect(302, "/all"));
    let secure = several.launchdarkly.uri().replace("http:", "https:");
    several.environments[1].next(Behaviour::redirect(302, format!("{secure}/all")));
    let relay = several.relay().await;
    relay.all_settled().await;
    several.assert_all_equal();
    for (status, words) in relay
        .statuses
        .iter()
        .zip(["5 redirections", "another scheme"])
    {
        let facts = status.facts();
        let error = facts.last_error.unwrap();
        assert!(error.message.contains(words), "{}", error.message);
        assert_eq!(error.kind, ErrorKind::Network);
        assert_eq!(facts.source.0, SourcePhase::Connected);
    }
    assert_eq!(several.environments[0].seen().attempts, 7);
    relay.stop().await;
}
