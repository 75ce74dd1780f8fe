//! The lines that the program really writes are those that are documented: days with as much trouble as fits into seconds.

use std::collections::BTreeSet;
use std::time::UNIX_EPOCH;

use ld_dynamodb_relay::clock;
use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::simulator::Behaviour;
use ld_dynamodb_relay::simulator::store::{Fault, Operation, Row, StoreRefusal};
use ld_dynamodb_relay::webhook::sign;
use serde_json::{Map, Value};

use crate::ask;
use crate::certificates::Authority;
use crate::process::{Output, Program, Running};
use crate::schema::Schema;
use crate::told_rosters;
use crate::world::{KEY, PREFIX, TABLE, World, flag, flag_with, large_flag};

const SECRET: &str = "a-webhook-secret";
const OTHER_KEY: &str = "sdk-c0ffee00-0000-4000-8000-00000000f00d";
/// What takes a bug, a race, more time than a test has, or hundreds of items.
const NOT_PROVOKED: [&str; 13] = [
    "a TLS handshake took too long",
    "a connection broke",
    "a connection could not be accepted",
    "a connection took too long",
    "connections were cut off that did not end in time",
    "environment task panicked; restarting it",
    "items altered again in three consecutive verifications; the status names them",
    "no environment was removed: what was confirmed is not what is held now",
    "nothing was released: what was confirmed is not what the brake holds now",
    "the TLS certificate cannot be exchanged; the one before is still served",
    "the TLS certificate is in order again",
    "the TLS certificate was exchanged",
    "the system has no certificate authorities; only those of PROXY_CA_CERTS count",
];

/// Where two things are late at once, one of them is told.
const EITHER: [&str; 2] = [
    "not every write was finished in time; the next start completes them",
    "not everything was finished in time",
];

fn daemon(world: &World) -> Program {
    world.program(&["run"]).set("LOG_LEVEL", "debug")
}

fn features() -> String {
    format!("{PREFIX}:features")
}

async fn post(relay: &Running, path: &str, headers: &[&str], body: &str) -> u16 {
    let (work, admin) = relay.ports().await;
    let port = if path.starts_with("/webhook") {
        work
    } else {
        admin
    };
    ask::post(port, path, headers, body.as_bytes()).await.status
}

/// Throttling, a first write, changes, a webhook that the stream is behind, other keys.
async fn changes() -> Output {
    let world = World::with_flags(60).await;
    world.production.set_id("5f00");
    world.store.limit(Some(20.0));
    let relay = daemon(&world)
        .set("WEBHOOK_SECRET", SECRET)
        .set("USE_EVENTS", "true")
        .start();
    relay.first_write().await;
    relay.event("summary").await;
    world.store.limit(None);
    let date = clock::now()
        .wall
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis();
    let body = format!(
        r#"{{"_id":"1","date":{date},"kind":"flag","accesses":[{{"action":"updateOn","resource":"proj/shop:env/production:flag/late;tag"}}]}}"#
    );
    let signature = format!("X-LD-Signature: {}", sign(body.as_bytes(), &SECRET.into()));
    assert_eq!(post(&relay, "/webhook", &[&signature], &body).await, 202);
    assert_eq!(post(&relay, "/webhook", &[], &body).await, 401);
    world
        .production
        .quietly(|items| drop(items.insert(Kind::Flag, flag("late", 1))));
    world.production.put_flag(&flag("flag-0001", 7));
    world.production.delete_flag("flag-0002", 7);
    let lost = Fault::lose_the_answer().on_writes().for_key("lost");
    world.store.inject(lost.times(1));
    world.production.put_flag(&flag("lost", 1));
    world.production.send_event("surprise", "{}");
    relay.event("ignored an event").await;
    relay.line("LaunchDarkly is lagging").await;
    let stale = ItemKey::flag("flag-0001");
    world.production.send_patch(&stale, &flag("flag-0001", 1));
    relay.line("ignored a change").await;
    relay.stop().await
}

/// A key that is kept in a file, and changes there.
async fn keys() -> Output {
    let world = World::filled(1).await;
    let relay = daemon(&world)
        .with_file("key", KEY)
        .set("LD_ENV_production", "file:key")
        .start();
    relay.event("summary").await;
    world.launchdarkly.rotate_key(KEY, OTHER_KEY);
    for (content, told) in [
        ("", "a secret cannot be used"),
        (KEY, "a secret can be used again"),
        (OTHER_KEY, "the SDK key is another one"),
    ] {
        std::fs::write(relay.folder().join("key"), content).unwrap();
        relay.event(told).await;
    }
    relay
        .event_with("asking LaunchDarkly for everything again", |it| {
            it["cause"] == "key"
        })
        .await;
    relay.stop().await
}

/// Rows and the marker that change without us, items that cannot be stored, outages.
async fn drift() -> Output {
    let world = World::filled(30).await;
    let relay = daemon(&world)
        .set("VERIFY_INTERVAL", "300ms")
        .set("MARKER_CHECK_INTERVAL", "100ms")
        .start();
    relay.event("LaunchDarkly said everything").await;
    let put = |version| {
        let row = Row::new(features(), "flag-0000").at_version(version);
        world
            .store
            .put_row(TABLE, row.holding(flag("flag-0000", version)))
            .unwrap();
    };
    let mended = |_: &_| {
        world
            .row("flag-0000")
            .is_some_and(|it| it.version() == Some(2))
    };
    let mut drifts = 0;
    while !relay
        .lines()
        .iter()
        .any(|it| it.contains("altered again in three"))
    {
        put(1);
        drifts += 1;
        world.store.wait_until("a repair", mended).await;
        assert!(drifts < 20, "contested at some time");
    }
    relay.event("no item is contested any more").await;
    for number in 0..30 {
        world
            .store
            .delete_row(TABLE, &features(), &format!("flag-{number:04}"))
            .unwrap();
    }
    relay.event("repaired").await;
    let marker = format!("{PREFIX}:$inited");
    world.store.delete_row(TABLE, &marker, &marker).unwrap();
    relay.event("the marker changed without us").await;
    relay.event("the marker was written").await;
    world
        .store
        .put_row(
            TABLE,
            Row::new(features(), "foreign").at_version(1).holding("{}"),
        )
        .unwrap();
    let unversioned = Row::new(features(), "unversioned").holding("{}");
    world.store.put_row(TABLE, unversioned).unwrap();
    relay.event("deleted").await;
    relay.event("removed").await;

    world.production.put_flag(&large_flag("large", 1));
    world.store.inject(
        Fault::refuse(StoreRefusal::Validation)
            .on(Operation::PutItem)
            .for_key("invalid"),
    );
    world.production.put_flag(&flag("invalid", 1));
    relay.line("DynamoDB refused it as invalid").await;
    world
        .production
        .quietly(|items| items.insert_as(ItemKey::flag("flag-0003"), flag("flag-0003", 1)));
    world.production.disconnect_all();
    relay
        .event_with("held", |it| it["reason"] == "unconfirmed")
        .await;
    relay.stop().await
}

/// A permission that is missing for a while.
async fn denied() -> Output {
    let world = World::filled(1).await;
    let relay = daemon(&world).start();
    relay.event("summary").await;
    let denied = world
        .store
        .inject(Fault::refuse(StoreRefusal::AccessDenied).on_writes());
    world.production.put_flag(&flag_with("denied", 1, ""));
    relay.event("the table could not be read or written").await;
    denied.withdraw();
    relay.event("the table can be read and written again").await;
    relay.stop().await
}

/// The brake, and operators.
async fn brake(is_confirmed: bool) -> Output {
    let world = World::filled(30).await;
    let whole = world.production.items();
    let cut = || {
        world.production.quietly(|items| {
            for number in 5..30 {
                items.remove(&ItemKey::flag(format!("flag-{number:04}")));
            }
        });
    };
    cut();
    let relay = daemon(&world).start();
    let braked =
        "the brake holds the removal of most items until LaunchDarkly says so again in 10 minutes";
    relay.event(braked).await;
    if is_confirmed {
        let (_, admin) = relay.ports().await;
        ask::until(admin, "/status/production", |it| {
            it.json()["sync"]["brakedRemovals"] == 25
        })
        .await;
        let path = "/sync/production?confirm=removals&count=25";
        assert_eq!(post(&relay, path, &[], "").await, 202);
        relay.event("released, as an operator confirmed").await;
    } else {
        world.production.replace(whole);
        let forbidden = ["X-Forwarded-For: 192.0.2.1"];
        assert_eq!(post(&relay, "/sync/production", &forbidden, "").await, 403);
        assert_eq!(post(&relay, "/sync/production", &[], "").await, 202);
        relay.event("the brake holds nothing any more").await;
    }
    relay.stop().await
}

/// A key that becomes another environment's, and ours again.
async fn identity() -> Output {
    let world = World::with_flags(3).await;
    world.production.set_id("ours");
    let synced = world.program(&["sync"]).output().await;
    assert_eq!(synced.code, Some(0), "{synced:?}");
    world.production.set_id("theirs");
    let relay = daemon(&world).start();
    relay.line("nothing is written").await;
    world.production.set_id("ours");
    assert_eq!(post(&relay, "/sync/production", &[], "").await, 202);
    relay.line("writing goes on").await;
    relay.stop().await
}

/// Nothing works, and it is stopped impatiently.
async fn impatience() -> Vec<Output> {
    let world = World::with_flags(3).await;
    world.production.always(Behaviour::status(401));
    let relay = daemon(&world)
        .set("LD_ENV_staging", "ssm:/launchdarkly/staging/sdkkey")
        .set("LD_PREFIX_staging", "staging")
        .set("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1")
        // Until it is known that nobody answers there.
        .set("INIT_TIMEOUT", "5s")
        .set("EXIT_ON_ERROR", "true")
        .start();
    relay.event("waiting for the SDK key").await;
    let mut ends = vec![relay.end().await];
    world.production.as_usual();
    for (grace, signals) in [("20s", 2), ("100ms", 1)] {
        let relay = daemon(&world)
            .set("GRACEFUL_SHUTDOWN_TIMEOUT", grace)
            .start();
        relay.event("summary").await;
        world.store.reset_counts();
        world.store.hold();
        let late = format!("held-up-{signals}");
        world.production.put_flag(&flag(&late, 1));
        world.store.wait_for_requests(1).await;
        for _ in 0..signals {
            relay.signal("TERM").await;
            relay.line("stopping: ").await;
        }
        ends.push(relay.end().await);
        world.store.release();
    }
    ends.push(daemon(&world).set("EXIT_ALWAYS", "true").output().await);
    world.store.stop().await;
    let failing = daemon(&world)
        .set("EXIT_ALWAYS", "true")
        .set("INIT_TIMEOUT", "100ms");
    ends.push(failing.output().await);
    ends
}

/// A certificate that expired, and a client that speaks no TLS.
async fn expired() -> Output {
    let world = World::new().await;
    let issued = Authority::new().issue(2_020);
    let relay = daemon(&world)
        .with_file("tls.crt", &issued.certificate)
        .with_file("tls.key", &issued.key)
        .set("TLS_ENABLED", "true")
        .set("TLS_CERT", "tls.crt")
        .set("TLS_KEY", "tls.key")
        .start();
    let (work, _) = relay.ports().await;
    ask::raw(work, b"GET /livez HTTP/1.1\r\n\r\n").await;
    relay.event("a TLS handshake failed").await;
    relay.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_is_as_it_is_documented() {
    let rosters = async {
        let (roster, cache, unknown, archive) = tokio::join!(
            told_rosters::roster(),
            told_rosters::cache(),
            told_rosters::unknown(),
            told_rosters::archive()
        );
        unknown.into_iter().chain([roster, cache, archive])
    };
    let (changes, keys, drift, denied, released, said, identity, expired, mut ends, rosters) = tokio::join!(
        changes(),
        keys(),
        drift(),
        denied(),
        brake(true),
        brake(false),
        identity(),
        expired(),
        impatience(),
        rosters
    );
    ends.extend(rosters);
    ends.extend([
        changes, keys, drift, denied, released, said, identity, expired,
    ]);
    let schema = Schema::documented();
    let mut faults = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for end in &ends {
        assert_eq!(end.stderr, "");
        for line in end.stdout.lines() {
            let members: Map<String, Value> = serde_json::from_str(line).unwrap();
            if members.contains_key("target") {
                // A library's: at `warn` and above, its words are its own.
                assert!(
                    ["warn", "error"].contains(&members["level"].as_str().unwrap()),
                    "{line}"
                );
                continue;
            }
            faults.extend(
                schema
                    .faults(&members)
                    .into_iter()
                    .map(|it| format!("{it}: {line}")),
            );
            seen.insert(members["message"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(faults, BTreeSet::new());
    let unseen: Vec<_> = schema
        .lines
        .keys()
        .filter(|it| !seen.contains(*it) && !EITHER.contains(&it.as_str()))
        .collect();
    assert_eq!(unseen, NOT_PROVOKED);
    assert!(EITHER.iter().any(|it| seen.contains(*it)));
}
