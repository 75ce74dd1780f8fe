//! What `docs/runbook.md` shows is what one sees: each fault is injected, and each line that its section shows has come.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::future::join_all;
use ld_dynamodb_relay::clock;
use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::simulator::store::{Fault, Operation, Row, StoreRefusal};
use ld_dynamodb_relay::simulator::{AutoConfiguration, Behaviour};
use ld_dynamodb_relay::webhook::sign;
use tokio::time::interval;

use crate::ask;
use crate::process::{PATIENCE, Program, Running};
use crate::world::{KEY, PREFIX, TABLE, World, flag, flag_with, large_flag};

const RUNBOOK: &str = include_str!("../../docs/runbook.md");
const SECRET: &str = "a-webhook-secret";
const AUTO_CONFIG_KEY: &str = "rel-c0ffee00-0000-4000-8000-00000000beef";
const LISTED: [&str; 2] = ["5f01", "5f02"];
/// Stands in the document for what differs from run to run.
const ANYTHING: char = '…';
/// Only a bug shows this one.
const NOT_PROVOKED: [&str; 1] = ["RelayPanicked"];

/// The lines of each section's blocks of output.
fn shown() -> BTreeMap<&'static str, Vec<String>> {
    let mut sections = BTreeMap::new();
    for section in RUNBOOK.split("\n## ").skip(1) {
        let (heading, body) = section.split_once('\n').unwrap();
        let blocks = body.split("```text\n").skip(1);
        let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
        let lines = lines.map(|line| line.trim().to_owned());
        let lines = lines.filter(|line| !line.is_empty());
        sections.insert(heading.trim_matches('`'), lines.collect::<Vec<_>>());
    }
    sections
}

/// Whether a line is the one that is shown.
fn is_as_shown(shown: &str, line: &str) -> bool {
    let mut parts = shown.split(ANYTHING);
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap()) else {
        return false;
    };
    let mut open = false;
    for part in parts {
        open = part.is_empty();
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    open || rest.is_empty()
}

/// What an operator sees: answers, the parts of the status that commands pick, the log.
async fn seen(relay: &Running) -> Vec<String> {
    let (_, admin) = relay.ports().await;
    let mut lines = relay.lines();
    for path in ["/readyz", "/metrics"] {
        let answer = ask::get(admin, path).await.body;
        lines.extend(answer.lines().map(str::to_owned));
    }
    let status = ask::get(admin, "/status/production").await.body;
    // As `jq` picks and prints them: members stay in their order.
    let picked = |from: &str, to: &str| {
        let rest = status.split_once(from).map(|(_, rest)| rest);
        rest.and_then(|rest| rest.split_once(to))
            .map(|(it, _)| it.to_owned())
    };
    lines.extend(picked(r#""tableAdvice":"#, r#","heard""#));
    lines.extend(picked(r#""items":["#, "]}"));
    let status = ask::get(admin, "/status").await.body;
    let refused = status.split_once(r#""refusedEnvironments":"#);
    let refused = refused.and_then(|(_, rest)| rest.split_once("}]"));
    lines.extend(refused.map(|(refused, _)| format!("{refused}}}]")));
    lines
}

async fn until_seen(relay: &Running, wanted: &[String], more: &[String]) {
    let mut often = interval(Duration::from_millis(50));
    let start = tokio::time::Instant::now();
    loop {
        let lines = [&*seen(relay).await, more].concat();
        let missing = wanted
            .iter()
            .filter(|it| !lines.iter().any(|line| is_as_shown(it, line)));
        let missing: Vec<_> = missing.collect();
        if missing.is_empty() {
            return;
        }
        assert!(
            start.elapsed() < PATIENCE,
            "never seen: {missing:#?} in {lines:#?}"
        );
        often.tick().await;
    }
}

fn daemon(world: &World) -> Program {
    world
        .program(&["run"])
        .set("DISCONNECTED_STATUS_TIME", "100ms")
        .set("MARKER_CHECK_INTERVAL", "200ms")
        .set("VERIFY_INTERVAL", "500ms")
        .set("WEBHOOK_SECRET", SECRET)
}

async fn started(world: &World) -> Running {
    let relay = daemon(world).start();
    relay.event("summary").await;
    relay
}

fn denied(operation: Operation) -> Fault {
    Fault::refuse(StoreRefusal::AccessDenied).on(operation)
}

/// Provokes what a section is about.
async fn provoke(world: &World, section: &str) -> Running {
    match section {
        "RelayKeyRefused" | "… aside: LaunchDarkly refuses the key or has no stream for it" => {
            world.launchdarkly.revoke(KEY);
            daemon(world).start()
        }
        "RelayNotInitialized" => {
            world.production.always(Behaviour::status(503));
            daemon(world).start()
        }
        "the table cannot be used: see the log" => {
            world.store.inject(denied(Operation::GetItem));
            daemon(world).start()
        }
        "RelayRosterStale" | "RelayRosterRemovalsHeld" | "RelayEnvironmentRefused" => {
            let relay = listed(world).await;
            disturb_roster(world, section);
            relay
        }
        "no environment is known yet: LaunchDarkly has not listed any" => {
            auto_configured(world, "rel-of-nobody").start()
        }
        "RelayThrottled" => {
            world.store.limit(Some(20.0));
            daemon(world).start()
        }
        _ => {
            let synced = world.program(&["sync"]).output().await;
            assert_eq!(synced.code, Some(0), "{synced:?}");
            let relay = started(world).await;
            disturb(world, &relay, section).await;
            relay
        }
    }
}

fn roster(world: &World) -> AutoConfiguration {
    world.launchdarkly.auto_configuration(AUTO_CONFIG_KEY)
}

fn auto_configured(world: &World, key: &str) -> Program {
    let daemon = daemon(world)
        .unset("LD_ENV_production")
        .unset("LD_PREFIX_production");
    daemon
        .set("AUTO_CONFIG_KEY", key)
        .set("ENV_DATASTORE_PREFIX", "$CID")
}

/// Runs, with the two environments that LaunchDarkly lists.
async fn listed(world: &World) -> Running {
    for id in LISTED {
        roster(world).add(id, "shop", id);
    }
    let relay = auto_configured(world, AUTO_CONFIG_KEY).start();
    relay.event("summary").await;
    relay
}

fn disturb_roster(world: &World, section: &str) {
    let roster = roster(world);
    match section {
        "RelayRosterStale" => {
            roster.always(Behaviour::status(503));
            roster.disconnect_all();
        }
        "RelayRosterRemovalsHeld" => {
            for id in LISTED {
                roster.leave_out(id);
            }
            // Nobody is told again.
            roster.always(Behaviour::status(503));
            roster.announce();
        }
        _ => drop(roster.list("5f03", "shop", "5f03", "")),
    }
}

/// The same, of a relay that runs and is up to date.
async fn disturb(world: &World, relay: &Running, section: &str) {
    let (work, _) = relay.ports().await;
    let features = format!("{PREFIX}:features");
    let padded = format!(r#","description":"{}""#, "x".repeat(360_000));
    match section {
        "RelayStale" => {
            world.production.always(Behaviour::status(503));
            world.production.disconnect_all();
        }
        "RelayTableMisconfigured" => {
            world.store.inject(denied(Operation::PutItem));
            world.production.put_flag(&flag("new", 1));
        }
        "RelayTableUnreachable" => world.store.stop().await,
        "RelayRemovalsHeld" => {
            world.production.quietly(|items| {
                for number in 5..30 {
                    items.remove(&ItemKey::flag(format!("flag-{number:04}")));
                }
            });
            world.production.disconnect_all();
        }
        "RelayItemTooLarge" => world.production.put_flag(&large_flag("large", 1)),
        "RelayItemNearLimit" => world.production.put_flag(&flag_with("near", 1, &padded)),
        "RelayItemMalformed" => {
            let odd = r#"{"key":"odd"}"#;
            world
                .production
                .quietly(|items| items.insert_as(ItemKey::flag("odd"), odd));
            world.production.disconnect_all();
        }
        "RelayContested" => {
            let mended = |_: &_| {
                world
                    .row("flag-0000")
                    .is_some_and(|it| it.version() == Some(2))
            };
            while !relay
                .lines()
                .iter()
                .any(|it| it.contains("altered again in three"))
            {
                let row = Row::new(&*features, "flag-0000").at_version(1);
                world
                    .store
                    .put_row(TABLE, row.holding(flag("flag-0000", 1)))
                    .unwrap();
                world.store.wait_until("a repair", mended).await;
            }
        }
        "RelayDrifting" => world
            .store
            .delete_row(TABLE, &features, "flag-0001")
            .unwrap(),
        "RelayLateStream" => {
            let date = clock::now()
                .wall
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .as_millis();
            let body = format!(
                r#"{{"_id":"1","date":{date},"kind":"flag","accesses":[{{"action":"updateOn","resource":"proj/shop:env/production:flag/late;tag"}}]}}"#
            );
            let signature = format!("X-LD-Signature: {}", sign(body.as_bytes(), &SECRET.into()));
            let answer = ask::post(work, "/webhook", &[&signature], body.as_bytes()).await;
            assert_eq!(answer.status, 202, "{answer:?}");
            let late = flag("late", 1);
            world
                .production
                .quietly(|items| drop(items.insert(Kind::Flag, late)));
        }
        "RelayVerifyOverdue" => {
            let segments = format!("{PREFIX}:segments");
            world
                .store
                .inject(denied(Operation::Query).in_namespace(segments));
        }
        "RelaySlowPropagation" => world.production.put_flag(&flag("new", 1)),
        "RelayWebhooksRefused" => {
            assert_eq!(ask::post(work, "/webhook", &[], b"{}").await.status, 401);
        }
        "RelayUnstableStream" => world.production.close_all(),
        other => panic!("{other} shows what nobody provokes"),
    }
}

async fn check(section: &str, wanted: &[String]) {
    let world = World::with_flags(if section == "RelayThrottled" { 60 } else { 30 }).await;
    if section == "RelayDown" {
        let end = world.program(&["health", "--port", "1"]).output().await;
        assert_eq!(end.code, Some(1), "{end:?}");
        let told = (end.stdout + &end.stderr).replace("port 1:", "port 8030:");
        assert!(is_as_shown(&wanted[0], told.trim_end()), "{told}");
        return;
    }
    let relay = provoke(&world, section).await;
    let (orders, wanted): (Vec<_>, Vec<_>) = wanted
        .iter()
        .cloned()
        .partition(|it| it.starts_with("accepted"));
    let (of_doctor, wanted): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|it| {
        ["failed   ", "warning  "]
            .iter()
            .any(|level| it.starts_with(level))
    });
    until_seen(&relay, &wanted, &[]).await;
    if !of_doctor.is_empty() {
        let end = world.program(&["doctor"]).output().await;
        let told: Vec<_> = end.stdout.lines().map(str::to_owned).collect();
        until_seen(&relay, &of_doctor, &told).await;
    }
    for order in orders {
        let (_, admin) = relay.ports().await;
        let (path, told) = if section == "RelayRosterRemovalsHeld" {
            let told = "the environments are removed, as an operator confirmed";
            ("/roster?confirm=removals&count=2", told)
        } else {
            let told = "released, as an operator confirmed";
            ("/sync/production?confirm=removals&count=25", told)
        };
        assert_eq!(
            ask::post(admin, path, &[], b"").await.body.trim_end(),
            order
        );
        relay.event(told).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_runbook_shows_is_what_one_sees() {
    let sections = shown();
    let shown = sections.iter().filter(|(_, lines)| !lines.is_empty());
    let shown: Vec<_> = shown.collect();
    assert_eq!(shown.len(), 24, "{shown:?}");
    join_all(
        shown
            .into_iter()
            .map(|(section, lines)| check(section, lines)),
    )
    .await;
    for section in NOT_PROVOKED {
        assert_eq!(sections[section], Vec::<String>::new());
    }
}

#[test]
fn what_differs_from_run_to_run_may_be_anything() {
    assert!(is_as_shown("a … c", "a bb c"));
    assert!(is_as_shown("a … c…", "a bb c dd"));
    assert!(!is_as_shown("a … c", "a bb c dd"));
    assert!(!is_as_shown("a … c", "b bb c"));
    assert!(!is_as_shown("a", "ab"));
}
