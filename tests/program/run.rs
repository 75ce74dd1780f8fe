//! How the daemon starts, what it refuses to start with, and when it gives up.

use std::net::TcpListener;

use ld_dynamodb_relay::simulator::Behaviour;
use ld_dynamodb_relay::simulator::store::{Fault, Operation, StoreRefusal};

use crate::ask;
use crate::process::Program;
use crate::world::{KEY, PREFIX, TABLE, World, flag};

const OTHER_KEY: &str = "sdk-c0ffee00-0000-4000-8000-00000000cafe";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_relay_proxys_variables_start_it() {
    let world = World::with_flags(2).await;
    let relay = world.program(&["--allow-missing-file", "--from-env"]);
    let relay = relay
        .set("USE_DYNAMODB", "true")
        .set("CACHE_TTL", "-1s")
        .set("USE_PROMETHEUS", "1")
        .set("USE_EVENTS", "false")
        .set("LD_CLIENT_SIDE_ID_production", "5f00")
        .set("LD_TTL_production", "5m")
        .start();
    relay.first_write().await;
    world.assert_equal();
    relay.line("LD_TTL_production").await;
    let (_, admin) = relay.ports().await;
    let status = ask::get(admin, "/status").await.json();
    assert_eq!(status["environments"]["production"]["envId"], "5f00");
    assert_eq!(relay.stop().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_relay_proxys_file_starts_it_unchanged() {
    let world = World::with_flags(2).await;
    let (upstream, endpoint) = (world.launchdarkly.uri(), world.store.endpoint());
    let file = format!(
        r#"
# Relay Proxy
[main]
streamUri = "{upstream}"
baseUri = "{upstream}"
exitOnError = false
heartbeatInterval = 15s   ; for the load balancer
logLevel = "info"

[Events]
sendEvents = true

[DynamoDB]
enabled = true
tableName = "{TABLE}"
url = "{endpoint}"
localTtl = 30s

[Environment "production"]
sdkKey = "{KEY}"
prefix = "{PREFIX}"
allowedOrigin = "https://one.example"
"#
    );
    let program = world.program(&["--config", "ld-relay.conf"]);
    // Free ports for the test, and everything else from the file.
    let given = [
        "STREAM_URI",
        "BASE_URI",
        "DYNAMODB_URL",
        "DYNAMODB_TABLE",
        "LD_ENV_production",
        "LD_PREFIX_production",
    ];
    let program = given.into_iter().fold(program, Program::unset);
    let relay = program.with_file("ld-relay.conf", &file).start();
    relay.first_write().await;
    world.assert_equal();
    relay.line("heartbeatInterval").await;
    assert_eq!(relay.stop().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_is_wrong_is_told_at_once_and_nothing_is_connected() {
    let world = World::with_flags(1).await;
    // Who tried to listen there would say that it is taken.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for command in ["run", "sync", "verify"] {
        let end = world
            .program(&[command])
            .set("PORT", &port.to_string())
            .set("LD_PREFIX_staging", "stage")
            .set("INIT_TIMEOUT", "ten seconds")
            .set("USE_REDIS", "true")
            .set("LOG_LEVEL", "chatty")
            .set("LD_ENV_twin", OTHER_KEY)
            .set("LD_PREFIX_twin", PREFIX)
            .output()
            .await;
        assert_eq!(end.code, Some(2), "{end:?}");
        assert_eq!(end.stdout, "");
        for told in [
            "LD_ENV_staging",
            "INIT_TIMEOUT",
            "USE_REDIS",
            "LOG_LEVEL",
            "LD_PREFIX_twin",
        ] {
            assert!(end.stderr.contains(told), "{told} in {}", end.stderr);
        }
        assert!(!end.stderr.contains("cannot be listened on"), "{end:?}");
        assert!(!end.stderr.contains(KEY) && !end.stderr.contains(OTHER_KEY));
    }
    assert_eq!(world.launchdarkly.requests().len(), 0);
    assert_eq!(world.store.counts().arrived, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_environments_with_one_place_are_refused() {
    let world = World::new().await;
    let end = world
        .program(&["run"])
        .set("LD_ENV_twin", OTHER_KEY)
        .set("LD_PREFIX_twin", PREFIX)
        .set("LD_TABLE_NAME_twin", TABLE)
        .output()
        .await;
    assert_eq!(end.code, Some(2), "{end:?}");
    let told = &end.stderr;
    assert!(
        told.contains("twin") && told.contains("production"),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_told_and_nothing_is_connected() {
    let world = World::with_flags(1).await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for setting in ["PORT", "PROMETHEUS_PORT"] {
        let end = world.program(&["run"]).set(setting, &port).output().await;
        assert_eq!(end.code, Some(2), "{end:?}");
        let told = format!("{setting}: port {port} cannot be listened on");
        assert!(end.stderr.starts_with(&told), "{end:?}");
    }
    assert_eq!(world.launchdarkly.requests().len(), 0);
    assert_eq!(world.store.counts().arrived, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_exit_on_error_it_gives_up_after_init_timeout() {
    let world = World::with_flags(1).await;
    world.launchdarkly.stop().await;
    let end = world
        .program(&["run"])
        .set("EXIT_ON_ERROR", "true")
        .set("INIT_TIMEOUT", "1s")
        .output()
        .await;
    assert_eq!(end.code, Some(3), "{end:?}");
    assert!(end.stdout.contains("not initialised within INIT_TIMEOUT"));
    assert!(
        end.stdout.contains("no connection to LaunchDarkly"),
        "{end:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn otherwise_it_goes_on_and_recovers() {
    let settings: [&[(&str, &str)]; 2] = [
        &[],
        &[
            ("EXIT_ON_ERROR", "true"),
            ("IGNORE_CONNECTION_ERRORS", "true"),
        ],
    ];
    for settings in settings {
        let world = World::with_flags(1).await;
        world.production.next(Behaviour::status(503));
        let program = world.program(&["run"]).set("INIT_TIMEOUT", "100ms");
        let program = settings
            .iter()
            .fold(program, |program, (name, value)| program.set(name, value));
        let relay = program.start();
        relay.line("not initialised within INIT_TIMEOUT").await;
        relay.first_write().await;
        assert_eq!(relay.stop().await.code, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_first_write_is_a_reason_to_give_up_too_and_finishes_what_it_began() {
    let world = World::with_flags(50).await;
    world.store.limit(Some(10.0));
    let end = world
        .program(&["run"])
        .set("EXIT_ON_ERROR", "true")
        .set("INIT_TIMEOUT", "1s")
        .output()
        .await;
    assert_eq!(end.code, Some(3), "{end:?}");
    assert!(
        end.stdout.contains("the first write is under way"),
        "{end:?}"
    );
    assert!(!world.is_marked());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_shot_ends_with_what_became_of_it() {
    let world = World::with_flags(3).await;
    let one_shot = || world.program(&["run"]).set("EXIT_ALWAYS", "true");
    let end = one_shot().output().await;
    assert_eq!(end.code, Some(0), "{end:?}");
    world.assert_equal();
    for line in end.stdout.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|_| panic!("{line}"));
    }
    assert!(end.stdout.contains(r#""written":3"#), "{end:?}");

    world.production.put_flag(&flag("flag-0000", 3));
    let denied = Fault::refuse(StoreRefusal::AccessDenied).on(Operation::PutItem);
    let denied = world.store.inject(denied);
    let end = one_shot().output().await;
    assert_eq!(end.code, Some(1), "{end:?}");
    assert!(end.stdout.contains("grant dynamodb:PutItem"), "{end:?}");
    denied.withdraw();

    world.launchdarkly.stop().await;
    let end = one_shot().set("INIT_TIMEOUT", "1s").output().await;
    assert_eq!(end.code, Some(1), "{end:?}");
    assert!(
        end.stdout.contains("no connection to LaunchDarkly"),
        "{end:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_environments_trouble_is_its_own() {
    let world = World::with_flags(2).await;
    let relay = world
        .program(&["run"])
        .set("LD_ENV_closed", OTHER_KEY)
        .set("LD_PREFIX_closed", "closed")
        .set("LD_ENV_lost", "sdk-lost")
        .set("LD_PREFIX_lost", "lost")
        .set("LD_TABLE_NAME_lost", "nowhere");
    let lost = world.launchdarkly.environment("sdk-lost");
    lost.put_flag(&flag("a", 1));
    let relay = relay.start();
    relay.first_write().await;
    world.assert_equal();
    let (work, admin) = relay.ports().await;
    let answer = ask::until(admin, "/readyz", |it| {
        it.body.contains("closed: aside") && it.body.contains("nowhere does not exist")
    });
    assert_eq!(answer.await.status, 503, "one of them waits for its table");
    let status = ask::get(admin, "/status").await.json();
    let of = |name: &str| status["environments"][name]["sync"].clone();
    assert_eq!(of("production")["upToDate"], true);
    assert_eq!(of("closed")["refused"], true);
    assert_eq!(of("lost")["table"]["phase"], "misconfigured");
    let public = ask::get(work, "/readyz").await.body;
    assert!(
        !public.contains("closed") && !public.contains("nowhere"),
        "{public}"
    );
    assert_eq!(relay.stop().await.code, Some(0));
}
