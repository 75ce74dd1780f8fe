//! What the running daemon answers on its two ports, and to `health`.

use serde_json::{Value, json};

use crate::ask::{self, Answer};
use crate::process::{Output, Program, Running};
use crate::world::{KEY, PREFIX, TABLE, World, flag};

async fn health(port: u16, arguments: &[&str]) -> Output {
    let port = port.to_string();
    let arguments = [&["health", "--port", &port], arguments].concat();
    Program::new(&arguments).output().await
}

/// The `sync` block of the environment.
fn block(status: &Answer) -> Value {
    status.json()["environments"]["production"]["sync"].clone()
}

async fn until_block(admin: u16, wanted: impl Fn(&Value) -> bool) -> Value {
    let status = ask::until(admin, "/status", |it| wanted(&block(it))).await;
    block(&status)
}

/// Running and ready, and quick to notice what is wrong.
async fn started(world: &World, read_timeout: &str) -> (Running, u16, u16) {
    let relay = world
        .program(&["run"])
        .set("DISCONNECTED_STATUS_TIME", "100ms")
        .set("MARKER_CHECK_INTERVAL", "1s")
        .set("STREAM_READ_TIMEOUT", read_timeout)
        .start();
    relay.first_write().await;
    let (work, admin) = relay.ports().await;
    (relay, work, admin)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_first_write_everything_is_well() {
    let world = World::with_flags(3).await;
    world.production.set_id("5f00");
    let (relay, work, admin) = started(&world, "5m").await;
    for port in [work, admin] {
        assert_eq!(ask::get(port, "/livez").await.status, 200);
        let ready = ask::get(port, "/readyz").await;
        assert_eq!((ready.status, &*ready.body), (200, "ready\n"));
        assert_eq!(ask::get(port, "/nothing").await.status, 404);
    }
    let short = ask::get(work, "/status").await.json();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(short, json!({"status": "healthy", "version": version}));
    let expected = |port, path| async move { ask::get(port, path).await.status };
    assert_eq!(expected(work, "/status?expect=status=healthy").await, 200);
    assert_eq!(expected(work, "/status?expect=status=degraded").await, 412);
    let path = "/status/production?expect=dataStoreStatus.state=VALID";
    assert_eq!(expected(admin, path).await, 200);
    assert_eq!(ask::get(work, "/metrics").await.status, 404);

    let status = ask::until(admin, "/status", |it| block(it)["upToDate"] == true).await;
    let whole = status.json();
    assert_eq!(whole["status"], "healthy");
    let of = &whole["environments"]["production"];
    assert_eq!(
        (&of["status"], &of["envId"]),
        (&json!("connected"), &json!("5f00"))
    );
    assert_eq!(of["connectionStatus"]["state"], "VALID");
    let store = &of["dataStoreStatus"];
    assert_eq!(store["state"], "VALID");
    assert_eq!(
        (&store["dbTable"], &store["dbPrefix"]),
        (&json!(TABLE), &json!(PREFIX))
    );
    assert!(!status.body.contains(KEY));
    let sync = block(&status);
    assert_eq!(sync["items"], json!({"flag": 3, "segment": 0}));
    assert_eq!((&sync["written"], &sync["pending"]), (&json!(3), &json!(0)));

    // A first write is no live change; this is one.
    world.production.put_flag(&flag("flag-1", 2));
    ask::until(admin, "/status", |it| {
        let sync = block(it);
        sync["written"] == 4 && sync["upToDate"] == true
    })
    .await;
    let metrics = ask::get(admin, "/metrics").await;
    let of = |name: &str, labels: &str| {
        metrics.metric(&format!(
            r#"ld_dynamodb_{name}{{environment="production"{labels}}}"#
        ))
    };
    let expected = [
        ("up_to_date", "", 1.0),
        ("stream_connected", "", 1.0),
        ("items", r#",kind="flag""#, 4.0),
        ("writes_total", r#",outcome="applied""#, 5.0),
        ("source_phase", r#",phase="connected""#, 1.0),
        ("table_phase", r#",phase="settled""#, 1.0),
        ("propagation_seconds_count", r#",from="received""#, 1.0),
    ];
    for (name, labels, value) in expected {
        assert!(
            (of(name, labels) - value).abs() < 0.1,
            "{name} in\n{}",
            metrics.body
        );
    }
    assert!(!metrics.body.contains(&KEY[..12]));

    for arguments in [&[][..], &["--ready"], &["--ready", "--json"]] {
        let end = health(work, arguments).await;
        assert_eq!(end.code, Some(0), "{end:?}");
    }
    let in_container = world.program(&["health", "--ready"]);
    let in_container = in_container.set("PORT", &work.to_string());
    assert_eq!(in_container.output().await.code, Some(0));
    let end = health(work, &["--ready", "--json"]).await;
    assert_eq!(
        end.json(),
        json!({"ok": true, "status": 200, "answer": ["ready"]})
    );
    assert_eq!(relay.stop().await.code, Some(0));
    let end = health(work, &[]).await;
    assert_eq!(end.code, Some(1), "{end:?}");
    assert!(
        end.stdout.contains("is it running, with this PORT?"),
        "{end:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_launchdarkly_it_stays_ready_and_says_that_it_is_stale() {
    let world = World::with_flags(3).await;
    let (relay, work, admin) = started(&world, "1s").await;
    world.launchdarkly.stop().await;
    let sync = until_block(admin, |it| it["stale"] == true).await;
    assert_eq!(sync["source"]["phase"], "interrupted", "{sync}");
    let short = ask::get(work, "/status").await.json();
    assert_eq!(short["status"], "degraded");
    assert_eq!(ask::get(work, "/readyz").await.status, 200);
    let metrics = ask::get(admin, "/metrics").await;
    assert!(metrics.metric(r#"ld_dynamodb_up_to_date{environment="production"}"#) < 0.5);
    assert_eq!(health(work, &["--ready"]).await.code, Some(0));

    world.launchdarkly.restart().await.unwrap();
    until_block(admin, |it| it["upToDate"] == true).await;
    assert_eq!(relay.stop().await.code, Some(0));

    // A restart with a table that is full is ready without LaunchDarkly as well.
    world.launchdarkly.stop().await;
    let relay = world.program(&["run"]).start();
    let (work, _) = relay.ports().await;
    ask::until(work, "/readyz", |it| it.status == 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_store_it_stays_ready_and_catches_up_later() {
    let world = World::with_flags(3).await;
    let (relay, work, admin) = started(&world, "5m").await;
    world.store.stop().await;
    world.production.put_flag(&flag("new", 1));
    let sync = until_block(admin, |it| it["table"]["phase"] == "unreachable").await;
    assert_eq!(sync["upToDate"], false);
    assert!(
        sync["tableAdvice"]
            .as_str()
            .unwrap()
            .contains("cannot be reached")
    );
    let whole = ask::get(admin, "/status").await.json();
    let of = &whole["environments"]["production"];
    assert_eq!(of["dataStoreStatus"]["state"], "INTERRUPTED");
    assert_eq!(
        of["connectionStatus"]["state"], "VALID",
        "the stream is left alone"
    );
    assert_eq!(ask::get(work, "/readyz").await.status, 200);
    assert_eq!(ask::get(work, "/livez").await.status, 200);
    world.store.restart().await.unwrap();
    until_block(admin, |it| it["upToDate"] == true).await;
    world.assert_equal();
    assert_eq!(relay.stop().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_data_it_is_alive_and_not_ready() {
    let world = World::new().await;
    world.launchdarkly.stop().await;
    let relay = world.program(&["run"]).start();
    let (work, admin) = relay.ports().await;
    let end = health(work, &["--ready"]).await;
    assert_eq!(end.code, Some(1), "{end:?}");
    assert_eq!(end.stdout, "1 environment without usable data yet\n");
    let end = health(admin, &["--ready", "--json"]).await;
    assert_eq!(end.code, Some(1), "{end:?}");
    assert_eq!(end.json()["status"], 503);
    assert!(
        end.json()["answer"][0]
            .as_str()
            .unwrap()
            .starts_with("production: ")
    );
    assert_eq!(health(work, &[]).await.code, Some(0));
}
