//! `doctor`: a line for each thing that may be wrong, with what to do, and nothing written.

use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::simulator::Behaviour;
use ld_dynamodb_relay::simulator::store::{Fault, Operation, StoreRefusal};
use serde_json::json;

use crate::process::Output;
use crate::world::{TABLE, World, flag, flag_with, large_flag};

/// Also checks that no row changed.
async fn doctor(world: &World, arguments: &[&str]) -> Output {
    let before = world.store.table(TABLE).unwrap();
    let arguments = [&["doctor"], arguments].concat();
    let end = world.program(&arguments).output().await;
    assert_eq!(world.store.table(TABLE).unwrap(), before);
    assert_eq!(world.store.counts().writes_accepted(), 0);
    end
}

/// The line that begins so.
fn line<'a>(end: &'a Output, beginning: &str) -> &'a str {
    let mut lines = end.stdout.lines();
    let found = lines.find(|line| line.starts_with(beginning));
    found.unwrap_or_else(|| panic!("no line begins with {beginning}: {end:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_well_is_said_to_be_well() {
    let world = World::filled(3).await;
    let end = doctor(&world, &[]).await;
    assert_eq!(end.code, Some(0), "{end:?}");
    for well in ["table", "permissions", "key", "clock", "sizes"] {
        line(&end, &format!("ok       production: {well}: "));
    }
    // The embedded store knows no backups.
    let protection = line(&end, "warning  production: protection: not looked at");
    assert!(
        protection.contains("DescribeContinuousBackups"),
        "{protection}"
    );
    assert_eq!(end.stderr, "");
    let end = doctor(&world, &["--json"]).await;
    let document = end.json();
    assert_eq!((end.code, &document["ok"]), (Some(0), &json!(true)));
    assert_eq!(document["findings"][1]["check"], "table");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_cannot_be_used_is_told_with_what_to_do() {
    let world = World::filled(1).await;
    let end = world.program(&["doctor"]).set("DYNAMODB_TABLE", "nowhere");
    let end = end.output().await;
    assert_eq!(end.code, Some(1), "{end:?}");
    let told = line(&end, "failed   production: table: ");
    assert!(
        told.contains("create it with partition key namespace (S)"),
        "{told}"
    );
    // What does not depend on it is looked at all the same.
    line(&end, "ok       production: key: ");

    other_keys(&world, "other").await;
    let end = world.program(&["doctor"]).set("DYNAMODB_TABLE", "other");
    let end = end.output().await;
    assert_eq!(end.code, Some(1), "{end:?}");
    let told = line(&end, "failed   production: table: ");
    assert!(told.contains("use a table that has them"), "{told}");

    for (operation, name) in [
        (Operation::PutItem, "PutItem"),
        (Operation::DeleteItem, "DeleteItem"),
    ] {
        let fault = Fault::refuse(StoreRefusal::AccessDenied).on(operation);
        let fault = world.store.inject(fault);
        let end = doctor(&world, &[]).await;
        assert_eq!(end.code, Some(1), "{end:?}");
        let told = line(&end, "failed   production: permissions: ");
        assert!(told.contains(&format!("grant dynamodb:{name}")), "{told}");
        fault.withdraw();
    }

    world.store.stop().await;
    let end = doctor(&world, &[]).await;
    assert_eq!(end.code, Some(1), "{end:?}");
    let told = line(&end, "failed   production: table: ");
    assert!(told.contains("check the endpoint"), "{told}");
}

async fn other_keys(world: &World, table: &str) {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    };
    let definition = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash);
    let made = world.store.client().create_table().table_name(table);
    let made = made
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(definition.build().unwrap())
        .key_schema(key.build().unwrap());
    made.send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_refused_and_a_clock_that_is_wrong_are_told() {
    let world = World::filled(1).await;
    let end = world
        .program(&["doctor"])
        .set("LD_ENV_production", "sdk-wrong");
    let end = end.output().await;
    assert_eq!(end.code, Some(1), "{end:?}");
    let told = line(&end, "failed   production: key: LaunchDarkly answered 401");
    assert!(told.contains("check LD_ENV_<name>"), "{told}");
    line(&end, "ok       production: table: ");

    let past = Behaviour::normal().header("date", "Mon, 01 Jan 2024 00:00:00 GMT");
    world.production.next(past);
    let end = doctor(&world, &[]).await;
    assert_eq!(end.code, Some(1), "{end:?}");
    let told = line(&end, "failed   production: clock: ");
    assert!(told.contains("synchronise this machine's clock"), "{told}");

    let end = world.program(&["doctor"]).unset("LD_ENV_production");
    let end = end.output().await;
    assert_eq!(end.code, Some(1), "{end:?}");
    assert!(end.stderr.contains("LD_ENV_"), "{end:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_some_reader_cannot_read_is_told() {
    let world = World::filled(1).await;
    let padding = format!(r#","description":"{}""#, "x".repeat(360_000));
    world.production.quietly(|items| {
        items.insert(Kind::Flag, large_flag("large", 1));
        items.insert(Kind::Flag, flag("new", 1 << 31));
        items.insert_as(ItemKey::flag("odd"), r#"{"key":"odd"}"#);
        for key in ["a", "b"] {
            items.insert(Kind::Flag, flag_with(key, 1, &padding));
        }
    });
    let end = doctor(&world, &[]).await;
    assert_eq!(end.code, Some(1), "{end:?}");
    let told = line(
        &end,
        "failed   production: sizes: flag large would make a row of ",
    );
    assert!(told.contains("make it smaller"), "{told}");
    line(
        &end,
        "failed   production: items: flag odd cannot be stored: ",
    );
    line(
        &end,
        "warning  production: items: flag new has version 2147483648: Java's",
    );
    let told = line(
        &end,
        "warning  production: sizes: all flags together have 11",
    );
    assert!(told.contains("Ruby's SDK"), "{told}");
}
