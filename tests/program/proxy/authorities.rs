//! Authorities of one's own: who is trusted, and what is said of who is not.

use std::time::Duration;

use ld_dynamodb_relay::config::{Log, LogFormat};
use ld_dynamodb_relay::launchdarkly::{Client, Endpoints, Transport};
use ld_dynamodb_relay::logging::{self, LogLevels};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::{ENDED, Secure, assert_normal, is_heard};
use crate::certificates::Authority;
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_of_ones_own_is_trusted_without_a_proxy_too() {
    let secure = Secure::new().await;
    let relay = secure.run().set("PROXY_CA_CERTS", " ,ca.pem,,").start();
    is_heard(&relay, &secure.world).await;
    assert_eq!(relay.stop().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_authority_is_a_network_failure_on_the_normal_curve() {
    let secure = Secure::new().await;
    let relay = secure.trusting(&Authority::new()).start();
    let ended = relay.event(ENDED).await;
    let detail = assert_normal(&ended);
    let cause =
        "no connection to LaunchDarkly: invalid peer certificate: UnknownIssuer (to trust it";
    assert!(detail.starts_with(cause), "{detail}");
    assert!(detail.contains("PROXY_CA_CERTS"), "{detail}");
    assert_eq!(relay.stop().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_authorities_that_are_of_no_use_end_the_start_with_2() {
    let world = World::new().await;
    for (name, expected) in [
        (
            "missing.pem",
            "PROXY_CA_CERTS: the file missing.pem cannot be read",
        ),
        (
            "empty.pem",
            "PROXY_CA_CERTS: the file empty.pem holds no certificate",
        ),
    ] {
        let program = world.program(&["run"]).with_file("empty.pem", "");
        let ended = program.set("PROXY_CA_CERTS", name).output().await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(expected), "{ended:?}");
    }
}

/// In a process of its own, with one variable. It is not the program: the AWS client asserts in debug builds that the system
/// has authorities.
#[test]
fn where_the_system_has_no_authorities_ones_own_count_alone_and_that_is_said() {
    const NAME: &str = "where_the_system_has_no_authorities_ones_own_count_alone_and_that_is_said";
    const SAID: &str =
        "the system has no certificate authorities; only those of PROXY_CA_CERTS count";
    let in_its_own = std::env::var_os("SSL_CERT_FILE").is_some_and(|it| it == "/dev/null");
    if in_its_own {
        let log = Log {
            level: LevelFilter::INFO,
            format: Some(LogFormat::Json),
        };
        let subscriber = logging::subscriber(
            log.format,
            false,
            &LogLevels::new(log.level, &[]),
            std::io::stdout,
        );
        let _guard = subscriber.set_default();
        let endpoints = Endpoints {
            stream_uri: String::new(),
            base_uri: String::new(),
            read_timeout: Duration::ZERO,
            max_event_bytes: 0,
        };
        let authorities = [Authority::new().pem().into_bytes()];
        let client = Client::new(endpoints, Transport::Stream, None, &authorities, "");
        assert!(client.is_ok(), "one is enough");
        return;
    }
    let mut itself = std::process::Command::new(std::env::current_exe().unwrap());
    itself.args([
        "--exact",
        &format!("proxy::authorities::{NAME}"),
        "--nocapture",
    ]);
    let itself = itself.env("SSL_CERT_FILE", "/dev/null");
    let output = itself.env_remove("SSL_CERT_DIR").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains(SAID), "{text}");
}
