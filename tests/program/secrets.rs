//! An environment whose key cannot be read fails alone, with a sentence that says why. `tests/aws.rs` has those whose key can.

use serde_json::Value;
use tokio::net::TcpListener;

use crate::ask;
use crate::process::{Output, Program};
use crate::world::World;

const PLACE: &str = "ssm:/launchdarkly/staging/sdkkey";
const WHY: &str =
    "ssm:/launchdarkly/staging/sdkkey cannot be read, for Parameter Store did not answer";

/// With an environment whose key is where nobody answers. Nothing here may wait for `INIT_TIMEOUT`.
fn program(world: &World, arguments: &[&str]) -> Program {
    world
        .program(arguments)
        .set("LD_ENV_staging", PLACE)
        .set("LD_PREFIX_staging", "staging")
        .set("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1")
        .set("INIT_TIMEOUT", "5m")
}

async fn output(world: &World, arguments: &[&str]) -> Output {
    program(world, arguments).output().await
}

#[track_caller]
fn contains(text: &str, wanted: &str) {
    assert!(text.contains(wanted), "{wanted} is not in: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sync_writes_the_others_and_fails() {
    let world = World::with_flags(2).await;
    let end = output(&world, &["sync"]).await;
    assert_eq!(end.code, Some(1), "{end:?}");
    world.assert_equal();
    contains(&end.stdout, "production: 2 written; equal");
    contains(&end.stdout, &format!("staging: 0 written; {WHY}"));

    let end = output(&world, &["sync", "--dry-run"]).await;
    assert_eq!(end.code, Some(1), "{end:?}");
    contains(&end.stdout, "production: nothing to write");
    contains(&end.stdout, &format!("staging: {WHY}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_compares_the_others_and_fails() {
    let world = World::filled(2).await;
    let end = output(&world, &["verify"]).await;
    assert_eq!(end.code, Some(2), "as where no table can be read: {end:?}");
    contains(&end.stdout, "production: same");
    contains(&end.stdout, &format!("staging: {WHY}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_says_of_each_place_whether_it_can_be_read() {
    let world = World::filled(1).await;
    let doctor = program(&world, &["doctor"])
        .with_file("webhook", "a-webhook-secret\n")
        .set("WEBHOOK_SECRET", "file:webhook")
        .set("WEBHOOK_SECRET_staging", "ssm:/webhook,given-as-it-is");
    let end = doctor.output().await;
    assert_eq!(end.code, Some(1), "{end:?}");
    for line in [
        "ok       all environments: secrets: file:webhook can be read",
        &format!("failed   staging: secrets: {WHY}"),
        "failed   staging: secrets: ssm:/webhook cannot be read",
        &format!("failed   staging: key: {WHY}"),
        "ok       production: key: LaunchDarkly accepts",
    ] {
        contains(&end.stdout, line);
    }
    let lines = end.stdout.matches(": secrets: ").count();
    assert_eq!(lines, 3, "a line for each place: {end:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn config_shows_the_place_and_does_not_look_there() {
    let world = World::new().await;
    let end = output(&world, &["config", "--json"]).await;
    assert_eq!(end.code, Some(0), "{end:?}");
    let document = end.json();
    let mut settings = document["settings"].as_array().unwrap().iter();
    let key = settings.find(|it| it["name"] == "environment.staging.sdk_key");
    assert_eq!(key.unwrap()["value"], Value::from(PLACE));
    assert_eq!(end.stderr, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_starts_with_the_others() {
    let world = World::with_flags(2).await;
    let relay = program(&world, &["run"]).start();
    let told = relay.event("a secret cannot be used").await;
    contains(told["detail"].as_str().unwrap(), WHY);
    relay.first_write().await;
    world.assert_equal();
    assert_eq!(relay.stop().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_does_not_answer_holds_up_nobody() {
    let world = World::with_flags(2).await;
    // Connections to it are made, and nothing is ever said on them.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let program = program(&world, &["run"]).set("AWS_ENDPOINT_URL_SSM", &endpoint);
    let relay = program.start();
    relay.first_write().await;
    let (work, _) = relay.ports().await;
    assert_eq!(ask::get(work, "/livez").await.status, 200);
    let end = relay.stop().await;
    assert_eq!(end.code, Some(0));
    let told = [&end.stdout, &end.stderr].map(|it| it.contains("ssm:"));
    assert_eq!(told, [false; 2], "it was still being read: {end:?}");
}
