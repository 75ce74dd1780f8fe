//! Taking a table over from the Relay Proxy and giving it back, as docs/migrating.md tells it. The Relay Proxy is played: rows
//! encoded anew, and at its start every item put without a condition, what is not said deleted, the marker last.

use std::collections::BTreeSet;

use ld_dynamodb_relay::model::Kind;
use ld_dynamodb_relay::simulator::generate;
use ld_dynamodb_relay::simulator::store::{Attribute, Operation, Row};
use serde_json::Value;

use crate::world::{PREFIX, TABLE, World};

const FLAGS: usize = 50;

fn namespace(kind: Kind) -> String {
    match kind {
        Kind::Flag => format!("{PREFIX}:features"),
        Kind::Segment => format!("{PREFIX}:segments"),
    }
}

fn named(name: &str) -> Row {
    let name = format!("{PREFIX}:{name}");
    Row::new(&*name, &*name)
}

/// As the Relay Proxy stores an item: members that its SDK does not know are gone, and so are those that have their default.
fn encoded_anew(text: &str) -> String {
    let mut item: Value = serde_json::from_str(text).unwrap();
    let members = item.as_object_mut().unwrap();
    members.retain(|name, value| {
        let default =
            value.is_null() || *value == false || value.as_array().is_some_and(Vec::is_empty);
        name == "on" || !default
    });
    item.to_string()
}

/// What it does at its start.
fn relay_proxy_starts(world: &World) {
    let items = world.production.items();
    let mut said = BTreeSet::new();
    for (key, text) in items.iter() {
        let version: Value = serde_json::from_str(text).unwrap();
        let row = Row::new(namespace(key.kind), &*key.key)
            .at_version(version["version"].as_u64().unwrap())
            .holding(encoded_anew(text));
        world.store.put_row(TABLE, row).unwrap();
        said.insert((namespace(key.kind), key.key.to_string()));
    }
    for kind in Kind::ALL {
        for row in world.store.rows(TABLE, &namespace(kind)).unwrap() {
            if !said.contains(&(row.namespace.clone(), row.key.clone())) {
                world
                    .store
                    .delete_row(TABLE, &row.namespace, &row.key)
                    .unwrap();
            }
        }
    }
    world.store.put_row(TABLE, named("$inited")).unwrap();
}

/// A table that the Relay Proxy filled.
async fn of_the_relay_proxy(flags: usize) -> World {
    let world = World::new().await;
    world.production.set_id("5f00");
    world.production.replace(generate(flags, 1));
    relay_proxy_starts(&world);
    world.store.reset_counts();
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_the_relay_proxys_is_taken_over_without_a_gap() {
    let world = of_the_relay_proxy(FLAGS).await;
    let items = world.production.items().len();

    let before = world.store.table(TABLE).unwrap();
    let dry = world.program(&["sync", "--dry-run"]).output().await;
    let planned = dry
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("  would put "));
    let same_version = |line: &&str| {
        let versions = line.rsplit_once(": version ").unwrap().1;
        versions
            .split_once(" to ")
            .is_some_and(|(old, new)| old == new)
    };
    assert_eq!(planned.filter(same_version).count(), items, "each row once");
    assert_eq!(dry.stdout.lines().count(), items + 1, "and nothing else");
    assert_eq!(world.store.table(TABLE).unwrap(), before, "and none yet");

    world.store.reset_counts();
    let synced = world.program(&["sync"]).output().await;
    assert_eq!(synced.code, Some(0), "{synced:?}");
    world.assert_equal();
    // No row and no marker was ever away, and each was written once; besides the item that says whose the data is.
    let counts = world.store.counts();
    assert_eq!(counts.requests(Operation::DeleteItem), 0);
    assert_eq!(counts.writes_accepted(), items as u64 + 1);
    let log = world.store.log();
    let written = log.iter().filter(|it| it.request.operation.writes());
    let written: BTreeSet<_> = written
        .map(|it| (&it.request.namespace, &it.request.key))
        .collect();
    let marker = Some(format!("{PREFIX}:$inited"));
    assert!(!written.iter().any(|(namespace, _)| **namespace == marker));

    world.store.reset_counts();
    let again = world.program(&["sync"]).output().await;
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(
        world.store.counts().writes(),
        0,
        "the next start writes nothing"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_back_leaves_one_item_that_nobody_reads() {
    let world = of_the_relay_proxy(FLAGS).await;
    let (gone, _) = world
        .production
        .items()
        .iter()
        .next()
        .map(|(key, it)| (key.clone(), it.clone()))
        .unwrap();
    let relay = world.program(&["run"]).start();
    relay.event("summary").await;
    let taken_over = |_: &_| {
        let row = |kind, key: &str| world.store.row(TABLE, &namespace(kind), key).unwrap();
        let items = world.production.items();
        items
            .iter()
            .all(|(key, text)| row(key.kind, &key.key).is_some_and(|it| it.item() == Some(&**text)))
    };
    world.store.wait_until("the takeover", taken_over).await;
    world.production.delete(&gone, 1_000_000);
    relay
        .event_with("deleted", |it| it["key"] == *gone.key)
        .await;
    assert_eq!(relay.stop().await.code, Some(0));
    // All that it leaves is what each SDK reads: four attributes, and an item that says its key and its version.
    for kind in Kind::ALL {
        for row in world.store.rows(TABLE, &namespace(kind)).unwrap() {
            let item: Value = serde_json::from_str(row.item().unwrap()).unwrap();
            assert_eq!(item["key"], *row.key);
            assert_eq!(item["version"].as_u64(), row.version());
            let plain = Row::new(&*row.namespace, &*row.key).at_version(row.version().unwrap());
            assert_eq!(row, plain.holding(row.item().unwrap()));
        }
    }

    relay_proxy_starts(&world);
    let tombstone = world
        .store
        .row(TABLE, &namespace(gone.kind), &gone.key)
        .unwrap();
    assert_eq!(tombstone, None, "the Relay Proxy deletes it");
    let identity = named("$identity").with("environmentId", Attribute::S("5f00".into()));
    let kept = world
        .store
        .row(TABLE, &identity.namespace, &identity.key)
        .unwrap();
    assert_eq!(kept, Some(identity), "it does not know this one");
    let rows = world.store.table(TABLE).unwrap().len();
    assert_eq!(
        rows,
        world.production.items().len() + 2,
        "items, marker, identity"
    );
}
