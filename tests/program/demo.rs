//! `demo`: one command that shows everything; `simulate` and `create-table`: its parts, as docker-compose.yml uses them.

use std::net::TcpListener;
use std::path::Path;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use ld_dynamodb_relay::simulator::{Store, StoreOptions};
use serde_json::Value;

use crate::ask;
use crate::process::{Program, Running};
use crate::world::PREFIX;

const FLAGS: &str = r#"{"flagValues": {"greeting": "hello", "color": "red"}}"#;
const EDITED: &str = r#"{"flagValues": {"greeting": "good morning", "more": true}}"#;

/// Ports as in production would be shared with whatever runs on this machine.
fn demo(arguments: &[&str]) -> Program {
    let program = Program::new(&[&["demo"], arguments].concat());
    program.set("PORT", "0").set("PROMETHEUS_PORT", "0")
}

/// What comes after `name` in the line that begins so.
async fn told(demo: &Running, name: &str) -> String {
    let value = |line: &str| Some(line.trim().strip_prefix(name)?.trim().to_owned());
    demo.until(name, value).await
}

/// The word after `option` in the copy-and-paste command.
fn argument(command: &str, option: &str) -> String {
    let (_, rest) = command
        .split_once(option)
        .unwrap_or_else(|| panic!("no {option} in {command}"));
    rest.trim().split(' ').next().unwrap().to_owned()
}

/// The request that the AWS CLI would make of the printed lines.
async fn get_item_as_printed(demo: &Running) -> Option<String> {
    demo.line("Ctrl-C stops it.").await;
    let text = demo.lines().join("\n");
    let start = text.find("AWS_ACCESS_KEY_ID=").unwrap();
    let command = text[start..]
        .split("\n\n")
        .next()
        .unwrap()
        .replace("\\\n", " ");
    assert!(command.contains("aws dynamodb get-item"), "{command}");
    let key = command.split('\'').nth(1).unwrap();
    let key: Value = serde_json::from_str(key).unwrap();
    let of = |name: &str| AttributeValue::S(key[name]["S"].as_str().unwrap().to_owned());
    let client = client(
        &argument(&command, "--endpoint-url"),
        &argument(&command, "AWS_ACCESS_KEY_ID="),
        &argument(&command, "--region"),
    );
    let request = client
        .get_item()
        .table_name(argument(&command, "--table-name"))
        .key("namespace", of("namespace"))
        .key("key", of("key"));
    let row = request.send().await.unwrap().item?;
    row.get("item")?.as_s().ok().cloned()
}

fn client(endpoint: &str, access_key: &str, region: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(Credentials::new(access_key, access_key, None, None, "test"))
        .endpoint_url(endpoint)
        .build();
    Client::from_conf(config)
}

/// As editors do it: another file under the name, whole at once.
fn edit(folder: &Path, text: &str) {
    let new = folder.join("flags.new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, folder.join("flags.json")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_file_what_it_prints_works_as_it_stands() {
    let demo = demo(&[]).start();
    let item = get_item_as_printed(&demo).await.expect("the flag is there");
    let item: Value = serde_json::from_str(&item).unwrap();
    let python = demo.line("ldclient.get().variation(").await;
    let flag = format!("variation(\"{}\"", item["key"].as_str().unwrap());
    assert!(python.contains(&flag), "{python}");
    let port = admin(&told(&demo, "status").await);
    let status = ask::get(port, "/status").await.json();
    assert_eq!(status["status"], "healthy", "{status}");
    let end = demo.stop().await;
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(!end.stdout.contains("INFO"), "logs are elsewhere: {end:?}");
    assert!(end.stderr.contains("first write complete"), "{end:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_of_the_file_is_told_when_it_is_stored() {
    let demo = demo(&["flags.json"]).with_file("flags.json", FLAGS).start();
    let item = get_item_as_printed(&demo).await.expect("the flag is there");
    assert!(item.contains("red"), "{item}");
    edit(demo.folder(), "{\"flagValues\": ");
    demo.line("the file cannot be used, so nothing changed")
        .await;
    edit(demo.folder(), EDITED);
    demo.line("flag greeting: stored, ").await;
    demo.line("flag more: stored, ").await;
    demo.line("flag color: deleted, ").await;
    let client = client(&told(&demo, "DynamoDB").await, "any", "us-east-1");
    let rows = client.scan().table_name(told(&demo, "table").await);
    let rows = rows.send().await.unwrap();
    let items: Vec<_> = rows
        .items()
        .iter()
        .filter_map(|row| row.get("item")?.as_s().ok())
        .collect();
    assert_eq!(items.len(), 3, "{items:?}");
    assert!(
        items.iter().any(|it| it.contains("good morning")),
        "{items:?}"
    );
    assert_eq!(demo.stop().await.code, Some(0));
}

fn admin(status: &str) -> u16 {
    status.split([':', '/']).nth(4).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_auto_configuration_two_environments_have_prefixes_of_their_own() {
    let demo = demo(&["--auto-config"]).start();
    let item = get_item_as_printed(&demo).await.expect("the flag is there");
    assert!(item.contains(r#""key":"max-items""#), "{item}");
    let ids = ["66f2a90c1d4e8b0012ab34cd", "66f2a90c1d4e8b0012ab34ce"];
    for (id, name) in ids.into_iter().zip(["production", "staging"]) {
        let line = format!("  prefix     {id}  harbor {name}");
        assert!(demo.lines().contains(&line), "{:?}", demo.lines());
    }
    let admin = admin(&told(&demo, "status").await);
    let status = ask::get(admin, "/status").await.json();
    for id in ids {
        assert_eq!(
            status["environments"][id]["dataStoreStatus"]["dbPrefix"], id,
            "{status}"
        );
    }
    let end = demo.stop().await;
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(!end.stdout.contains("rel-") && !end.stderr.contains("rel-demo"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_environment_of_the_file_comes_to_the_table_and_goes_from_the_status() {
    let listing = |environments: &str| {
        format!(r#"{{"flagValues": {{"greeting": "hello"}}, "environments": {{{environments}}}}}"#)
    };
    let (production, staging) = (r#""id-production": {}"#, r#""id-staging": {}"#);
    let demo = demo(&["--auto-config", "flags.json"])
        .with_file("flags.json", &listing(production))
        .start();
    demo.line("Ctrl-C stops it.").await;
    let admin = admin(&told(&demo, "status").await);
    edit(demo.folder(), &listing(&format!("{production}, {staging}")));
    demo.line("environment id-staging: added; its flags are stored under the prefix id-staging, ")
        .await;
    edit(demo.folder(), "{\"environments\": ");
    demo.line("the file's environments cannot be used, so none changed")
        .await;
    edit(demo.folder(), &listing(staging));
    demo.line("environment id-production: removed; its rows stay")
        .await;
    let left = |it: &ask::Answer| {
        let status = it.json();
        let environments = status["environments"].as_object().unwrap();
        environments.keys().eq(["id-staging"])
    };
    ask::until(admin, "/status", left).await;
    let client = client(&told(&demo, "DynamoDB").await, "any", "us-east-1");
    for id in ["id-production", "id-staging"] {
        let get = client.get_item().table_name(told(&demo, "table").await);
        let get = get.key("namespace", AttributeValue::S(format!("{id}:features")));
        let get = get.key("key", AttributeValue::S("greeting".to_owned()));
        assert!(get.send().await.unwrap().item.is_some(), "{id}");
    }
    assert_eq!(demo.stop().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_outlives_a_restart_which_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // Made if it is not there.
    let data = folder.path().join("data");
    let arguments = ["--data-dir", data.to_str().unwrap()];
    let first = demo(&arguments).start();
    first.line("Ctrl-C stops it.").await;
    let end = first.stop().await;
    assert!(end.stderr.contains("first write complete"), "{end:?}");
    let again = demo(&arguments).start();
    assert!(get_item_as_printed(&again).await.is_some());
    let port = admin(&told(&again, "status").await);
    let settled = |it: &ask::Answer| it.json()["environments"]["demo"]["sync"]["upToDate"] == true;
    let status = ask::until(port, "/status", settled).await.json();
    assert_eq!(
        status["environments"]["demo"]["sync"]["written"], 0,
        "{status}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_ports_are_the_users_to_choose_and_no_reason_to_fail() {
    let work = TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = |of: &TcpListener| of.local_addr().unwrap().port().to_string();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = port(&free);
    drop(free);
    let demo = Program::new(&["demo", "--port", &own])
        .set("PORT", &port(&work))
        .set("PROMETHEUS_PORT", &port(&admin))
        .start();
    assert_eq!(
        told(&demo, "DynamoDB").await,
        format!("http://127.0.0.1:{own}")
    );
    let status = told(&demo, "status").await;
    assert!(!status.contains(&port(&admin)), "{status}");

    let end = Program::new(&["demo", "--port", &port(&work)])
        .output()
        .await;
    assert_eq!(end.code, Some(1), "{end:?}");
    assert!(end.stderr.contains("cannot listen on"), "{end:?}");
    let end = Program::new(&["demo", "nowhere.json"]).output().await;
    assert_eq!(end.code, Some(1), "{end:?}");
    assert!(end.stderr.contains("nowhere.json"), "{end:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_parts_do_what_the_compose_file_wants_of_them() {
    let store = Store::start(StoreOptions::default()).await.unwrap();
    let with_store = |arguments: &[&str]| {
        let program = Program::new(arguments).set("DYNAMODB_URL", &store.endpoint());
        program.set("DYNAMODB_TABLE", "launchdarkly")
    };
    // The table's service may come before the store does, and more than once.
    store.stop().await;
    let create = with_store(&["create-table"]).start();
    create.line("not yet: ").await;
    store.restart().await.unwrap();
    for create in [create, with_store(&["create-table"]).start()] {
        let end = create.end().await;
        assert_eq!(end.code, Some(0), "{end:?}");
        assert!(
            end.stdout.ends_with("table launchdarkly is there\n"),
            "{end:?}"
        );
    }

    let simulate = ["simulate", "--address", "127.0.0.1:0", "flags.json"];
    let simulate = Program::new(&simulate)
        .with_file("flags.json", FLAGS)
        .start();
    let line = simulate.line("a simulated LaunchDarkly at").await;
    let uri = line
        .split(' ')
        .find(|word| word.starts_with("http"))
        .unwrap();
    let relay = with_store(&[])
        .set("STREAM_URI", uri)
        .set("BASE_URI", uri)
        .set("LD_ENV_demo", "sdk-simulated")
        .set("LD_PREFIX_demo", PREFIX)
        .set("PORT", "0")
        .set("PROMETHEUS_PORT", "0")
        .start();
    relay.first_write().await;
    edit(simulate.folder(), EDITED);
    simulate.line("the file changed: 3 changes").await;
    relay.event_with("stored", |it| it["key"] == "more").await;
    edit(simulate.folder(), "{");
    simulate
        .line("the file cannot be used, so nothing changed")
        .await;
    assert_eq!(relay.stop().await.code, Some(0));
    let end = simulate.stop().await;
    assert_eq!(end.code, Some(0), "{end:?}");

    let end = Program::new(&["create-table"]).output().await;
    assert_eq!(end.code, Some(1), "{end:?}");
    assert!(end.stderr.contains("DYNAMODB_TABLE is not set"), "{end:?}");
}
