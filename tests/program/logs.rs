//! What the daemon logs: a line for each change, nothing of what is secret.

use ld_dynamodb_relay::model::ItemKey;
use ld_dynamodb_relay::simulator::Behaviour;
use ld_dynamodb_relay::simulator::store::{Fault, Operation, Row, StoreRefusal};
use serde_json::{Value, json};

use crate::ask;
use crate::world::{KEY, PREFIX, TABLE, World, flag, flag_with, large_flag};

/// In items, and nowhere else.
const CANARY: &str = "canary-7f3a";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_is_json_and_each_change_has_one() {
    let world = World::with_flags(2).await;
    let relay = world.program(&["run"]).start();
    relay.first_write().await;
    world.production.put_flag(&flag("flag-0000", 7));
    world.production.put_flag(&flag("new", 1));
    let stored = relay.event_with("stored", |it| it["key"] == "flag-0000");
    check_change(&stored.await, "flag-0000", json!(2), 7);
    let stored = relay.event_with("stored", |it| it["key"] == "new");
    check_change(&stored.await, "new", Value::Null, 1);
    world.production.delete_flag("flag-0001", 3);
    let deleted = relay.event("deleted").await;
    check_change(&deleted, "flag-0001", json!(2), 3);
    let end = relay.stop().await;
    let mut changes = 0;
    for line in end.stdout.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        for member in ["timestamp", "level", "message"] {
            assert!(line[member].is_string(), "{member} in {line}");
        }
        let mut times = ["milliseconds", "retry_in_milliseconds"].iter();
        assert!(
            times.all(|it| line[it].is_null() || line[it].is_number()),
            "{line}"
        );
        changes += usize::from(line["new_version"].is_u64());
    }
    assert_eq!(changes, 3, "one line a change: {}", end.stdout);
}

fn check_change(line: &Value, key: &str, old: Value, new: u64) {
    assert_eq!(line["environment"], "production", "{line}");
    assert_eq!(
        (&line["kind"], &line["key"]),
        (&json!("flag"), &json!(key)),
        "{line}"
    );
    let old = Some(old).filter(|it| !it.is_null());
    assert_eq!(
        line.get("old_version").filter(|it| !it.is_null()),
        old.as_ref(),
        "{line}"
    );
    assert_eq!(line["new_version"], new, "{line}");
    assert!(line["milliseconds"].as_f64().unwrap() > 0.0, "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_is_for_people() {
    let world = World::with_flags(1).await;
    let relay = world.program(&["run"]).set("LOG_FORMAT", "text").start();
    let line = relay.line("first write complete").await;
    assert!(
        line.contains(" INFO production: first write complete"),
        "{line}"
    );
    world.production.put_flag(&flag("new", 1));
    let line = relay.line("stored").await;
    assert!(
        line.contains("key=new kind=flag") && line.contains("new_version=1"),
        "{line}"
    );
    assert!(!line.contains('\x1b'), "no colours off a terminal: {line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_no_line_holds_a_secret_or_an_items_contents() {
    let world = World::new().await;
    let more = format!(r#","description":"{CANARY}""#);
    let item = |key: &str, version| flag_with(key, version, &more);
    world.production.quietly(|items| {
        items.insert_as(ItemKey::flag("a"), item("a", 2));
        items.insert_as(
            ItemKey::flag("large"),
            large_flag("large", 2).replacen("xx", CANARY, 1),
        );
        items.insert_as(
            ItemKey::flag("odd"),
            format!(r#"{{"key":"odd","version":"{CANARY}"}}"#),
        );
    });
    let foreign = Row::new(format!("{PREFIX}:features"), "a").at_version(1);
    world.store.put_row(TABLE, foreign.holding(CANARY)).unwrap();
    let malformed = format!("event: put\ndata: {{\"path\":\"/\",\"data\":\"{CANARY}\"}}\n\n");
    world.production.next(Behaviour::status(500));
    world.production.next(Behaviour::bytes(malformed));
    let denied = Fault::refuse(StoreRefusal::AccessDenied).on(Operation::PutItem);
    world.store.inject(denied.times(1));
    let relay = world
        .program(&["run"])
        .set("LOG_LEVEL", "debug")
        .set("LD_ENV_closed", "sdk-c0ffee00-not-known-anywhere")
        .set("LD_PREFIX_closed", "closed")
        .start();
    relay.line("malformed event").await;
    relay.line("LaunchDarkly answered 401").await;
    relay.line("grant dynamodb:PutItem").await;
    relay.first_write().await;
    relay.line("its row would have").await;
    let refused = Fault::refuse(StoreRefusal::Validation).on(Operation::PutItem);
    world.store.inject(refused.times(1));
    world.production.put_flag(&item("invalid", 1));
    relay.line("DynamoDB refused it as invalid").await;
    world
        .store
        .inject(Fault::lose_the_answer().on_writes().times(1));
    world.production.put_flag(&item("b", 1));
    let stored = |_: &_| world.row("b").is_some();
    world
        .store
        .wait_until("the write without an answer", stored)
        .await;
    world
        .production
        .send_patch(&ItemKey::flag("a"), &item("a", 1));
    relay.line("not newer than what was said").await;
    let broken = format!(r#"{{"path":"/flags/a","data":{{"key":"{CANARY}"#);
    world.production.send_event("patch", &broken);
    relay
        .until("a malformed patch", |line| {
            (line.contains("malformed") && line.contains("retry_in")).then_some(())
        })
        .await;
    let (work, admin) = relay.ports().await;
    let mut seen = relay.lines();
    for path in ["/status", "/metrics", "/readyz"] {
        seen.push(ask::get(admin, path).await.body);
        seen.push(ask::get(work, path).await.body);
    }
    let end = relay.stop().await;
    seen.extend([end.stdout, end.stderr]);
    for text in seen {
        let secret = [KEY, &KEY[..20], "not-known", CANARY];
        let secret = secret.iter().find(|it| text.contains(**it));
        assert_eq!(secret, None, "{text}");
    }
}
