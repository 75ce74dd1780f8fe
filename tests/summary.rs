//! The line a minute that tells how all environments fare.

#![expect(clippy::unwrap_used, reason = "helpers of tests may")]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ld_dynamodb_relay::clock;
use ld_dynamodb_relay::config::LogFormat;
use ld_dynamodb_relay::environment::Control;
use ld_dynamodb_relay::logging::{self, LogLevels};
use ld_dynamodb_relay::registry::{EnvironmentInfo, EnvironmentRegistry, RegisteredEnvironment};
use ld_dynamodb_relay::secrets::Kept;
use ld_dynamodb_relay::status::{EnvironmentStatus, RosterStatus, SourcePhase, TablePhase};
use ld_dynamodb_relay::supervisor::summarize;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, advance};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

const EVERY: Duration = Duration::from_mins(1);
const READ_TIMEOUT: Duration = Duration::from_mins(5);
const TOLERATED: Duration = Duration::from_mins(1);

/// Keeps what is written.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Captured {
    /// The lines since the last time.
    fn take(&self) -> Vec<Value> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(bytes).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// What is logged until the guard is dropped.
fn captured() -> (Captured, DefaultGuard) {
    let captured = Captured::default();
    let levels = LogLevels::new(LevelFilter::INFO, &[]);
    let subscriber = logging::subscriber(Some(LogFormat::Json), false, &levels, captured.clone());
    (captured, subscriber.set_default())
}

fn member(name: &str, status: &EnvironmentStatus) -> RegisteredEnvironment {
    let info = EnvironmentInfo {
        name: name.into(),
        sdk_key: Kept::fixed("sdk-key".into()),
        sdk_keys: Vec::new(),
        mobile_key: None,
        mobile_keys: Vec::new(),
        environment_id: None,
        project: None,
        project_name: None,
        environment_key: None,
        environment_name: None,
        table: "flags".to_owned(),
        prefix: name.to_owned(),
        endpoint: None,
    };
    RegisteredEnvironment {
        info,
        status: status.clone(),
        control: Control::default(),
        webhook_secrets: Vec::new(),
    }
}

fn settle(status: &EnvironmentStatus, written: u64) {
    let now = clock::now();
    status.update(|facts| {
        facts.source = (SourcePhase::Connected, now);
        facts.table = (TablePhase::Settled, now);
        facts.heard = Some(now);
        facts.initialized = true;
        facts.written += written;
    });
}

/// Lets tasks run, and then so much time pass.
async fn pass(time: Duration) {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    advance(time).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_comes_when_all_are_known_and_then_one_a_minute() {
    let (captured, _guard) = captured();
    let (one, two) = (
        EnvironmentStatus::new(clock::now()),
        EnvironmentStatus::new(clock::now()),
    );
    let registry: EnvironmentRegistry = [member("one", &one), member("two", &two)]
        .into_iter()
        .collect();
    let watched = registry.clone();
    let roster = RosterStatus::configured();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        summarize(&watched, &roster, READ_TIMEOUT, TOLERATED, EVERY).await;
    });
    settle(&one, 3);
    pass(Duration::from_secs(5)).await;
    assert_eq!(captured.take(), Vec::<Value>::new(), "one is not tried yet");
    settle(&two, 4);
    pass(Duration::ZERO).await;
    let first = captured.take();
    assert_eq!(first.len(), 1, "{first:?}");
    let expected = serde_json::json!({
        "level": "info", "message": "summary", "roster_known": true, "environments": 2, "up_to_date": 2, "stale": 0, "uninitialized": 0,
        "keys_refused": 0, "misconfigured": 0, "removals_held": 0, "items_too_large": 0, "items_malformed": 0,
        "contested": 0, "writes": 7, "timestamp": first[0]["timestamp"],
    });
    assert_eq!(first[0], expected);

    // What follows from time alone is in the next line.
    two.update(|facts| facts.source = (SourcePhase::Interrupted, clock::now()));
    pass(Duration::from_secs(59)).await;
    assert_eq!(captured.take().len(), 0);
    pass(Duration::from_secs(1)).await;
    let second = captured.take();
    assert_eq!(second.len(), 1, "{second:?}");
    assert_eq!(second[0]["up_to_date"], 1);
    assert_eq!(
        (&second[0]["stale"], &second[0]["writes"]),
        (&0.into(), &0.into())
    );
    settle(&one, 1);
    pass(EVERY).await;
    let third = captured.take();
    assert_eq!(
        (&third[0]["stale"], &third[0]["writes"]),
        (&1.into(), &1.into())
    );

    // Who goes takes nothing from what the others wrote, and who comes is counted from then on.
    registry.remove("two");
    registry.put(member("three", &EnvironmentStatus::new(clock::now())));
    settle(&one, 2);
    pass(EVERY).await;
    let fourth = captured.take();
    let counted = ["environments", "up_to_date", "uninitialized", "writes"];
    assert_eq!(
        counted.map(|it| fourth[0][it].as_u64()),
        [2, 1, 1, 2].map(Some)
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_never_tried_is_told_after_a_minute() {
    let (captured, _guard) = captured();
    let start = Instant::now();
    let registry: EnvironmentRegistry = [member("one", &EnvironmentStatus::new(clock::now()))]
        .into_iter()
        .collect();
    let watched = registry;
    let roster = RosterStatus::configured();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        summarize(&watched, &roster, READ_TIMEOUT, TOLERATED, EVERY).await;
    });
    pass(Duration::from_millis(59_999)).await;
    assert_eq!(captured.take().len(), 0);
    pass(Duration::from_millis(1)).await;
    let first = captured.take();
    assert_eq!(first.len(), 1, "after {:?}", start.elapsed());
    assert_eq!(first[0]["uninitialized"], 1);
}

#[tokio::test(start_paused = true)]
async fn while_it_is_not_known_which_there_are_the_line_says_so() {
    let (captured, _guard) = captured();
    let registry = EnvironmentRegistry::default();
    let roster = RosterStatus::auto_configured(clock::now());
    let (watched, told) = (registry.clone(), roster.clone());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        summarize(&watched, &told, READ_TIMEOUT, TOLERATED, EVERY).await;
    });
    // One that is known of an earlier run may be one of many.
    let status = EnvironmentStatus::new(clock::now());
    registry.put(member("one", &status));
    settle(&status, 1);
    pass(Duration::from_millis(59_999)).await;
    assert_eq!(captured.take().len(), 0);
    pass(Duration::from_millis(1)).await;
    let first = captured.take();
    let told = |line: &Value| {
        (
            line["roster_known"].as_bool(),
            line["environments"].as_u64(),
        )
    };
    assert_eq!(told(&first[0]), (Some(false), Some(1)));
    roster.update(|facts| facts.known = true);
    pass(EVERY).await;
    assert_eq!(told(&captured.take()[0]), (Some(true), Some(1)));
}

#[tokio::test(start_paused = true)]
async fn the_first_comes_at_once_when_a_list_has_come_and_all_in_it_are_known() {
    let (captured, _guard) = captured();
    let registry = EnvironmentRegistry::default();
    let roster = RosterStatus::archived();
    let (watched, told) = (registry.clone(), roster.clone());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        summarize(&watched, &told, READ_TIMEOUT, TOLERATED, EVERY).await;
    });
    roster.update(|facts| facts.known = true);
    pass(Duration::from_secs(1)).await;
    assert_eq!(captured.take().len(), 0, "they come a moment later");
    let status = EnvironmentStatus::new(clock::now());
    settle(&status, 1);
    registry.put(member("one", &status));
    pass(Duration::ZERO).await;
    assert_eq!(captured.take()[0]["up_to_date"], 1);
}
