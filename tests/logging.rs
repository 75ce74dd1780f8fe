//! What a log line looks like, and what never gets into one.

#![expect(clippy::unwrap_used, reason = "helpers of tests may")]

use std::io;
use std::sync::{Arc, Mutex};

use ld_dynamodb_relay::config::{Log, LogFormat};
use ld_dynamodb_relay::logging::{self, LogLevels};
use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;
use tracing::{debug, error, info, info_span, warn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

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

/// What is logged while `act` runs.
fn logged(
    level: LevelFilter,
    format: Option<LogFormat>,
    is_terminal: bool,
    per_environment: &[(&str, LevelFilter)],
    act: impl FnOnce(),
) -> String {
    let levels = LogLevels::new(level, per_environment);
    logged_by(&levels, format, is_terminal, act)
}

/// The same with levels that may be changed meanwhile.
fn logged_by(
    levels: &LogLevels,
    format: Option<LogFormat>,
    is_terminal: bool,
    act: impl FnOnce(),
) -> String {
    let captured = Captured::default();
    let subscriber = logging::subscriber(format, is_terminal, levels, captured.clone());
    tracing::subscriber::with_default(subscriber, act);
    let bytes = captured.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// The lines as JSON, without their times and without this test's own target.
fn json_lines(text: &str) -> Vec<Value> {
    let parse = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let time = line.as_object_mut().unwrap().remove("timestamp").unwrap();
        assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
        if line["target"] == "logging" {
            line.as_object_mut().unwrap().remove("target");
        }
        line
    };
    text.lines().map(parse).collect()
}

#[test]
fn what_is_logged_of_an_environment_can_be_changed_while_it_runs() {
    let levels = LogLevels::new(LevelFilter::INFO, &[]);
    let text = logged_by(&levels, None, false, || {
        let _span = info_span!("environment", environment = %"production").entered();
        let say = |what: &str| debug!(what, "said");
        let known = |_: &str| true;
        say("before");
        levels.set("production", Some(LevelFilter::DEBUG), known);
        say("while it is wanted");
        debug!(environment = "staging", "of another one");
        levels.set("production", None, known);
        say("after");
        levels.set("production", Some(LevelFilter::DEBUG), known);
        levels.set("staging", Some(LevelFilter::WARN), |name| name == "staging");
        say("once it is forgotten");
    });
    let lines = json_lines(&text);
    assert_eq!(lines.len(), 1, "{text}");
    assert_eq!(lines[0]["what"], "while it is wanted");
}

#[test]
fn each_line_is_an_object_that_names_its_environment() {
    let text = logged(LevelFilter::INFO, None, false, &[], || {
        let _span = info_span!("environment", environment = %"production").entered();
        let _inner = info_span!("session", number = 3).entered();
        info!(kind = %"flag", key = "a\n\"b\"", old = 3, new = 4_u64, milliseconds = 1.5, "stored");
        debug!("not this");
        warn!(environment = "staging", level = "odd", "its own field wins");
    });
    assert_eq!(
        json_lines(&text),
        [
            json!({"level": "info", "environment": "production", "message": "stored", "kind": "flag",
                   "key": "a\n\"b\"", "old": 3, "new": 4, "milliseconds": 1.5}),
            json!({"level": "warn", "environment": "staging", "message": "its own field wins", "field.level": "odd"}),
        ]
    );
}

#[test]
fn text_is_for_terminals_unless_somebody_says_otherwise() {
    let act = || info!(key = "a", "stored");
    let is_json = |format, is_terminal| {
        logged(LevelFilter::INFO, format, is_terminal, &[], act).starts_with('{')
    };
    assert!(is_json(None, false));
    assert!(!is_json(None, true));
    assert!(is_json(Some(LogFormat::Json), true));
    assert!(!is_json(Some(LogFormat::Text), false));
}

#[test]
fn what_came_from_outside_cannot_forge_a_line_of_text() {
    let text = logged(LevelFilter::INFO, Some(LogFormat::Text), false, &[], || {
        info!(target: "ld_dynamodb_relay::environment", environment = "production", key = "a\n2026 ERROR \x1b[31m", "stored");
    });
    assert_eq!(text.lines().count(), 1);
    let (_, line) = text.split_once(' ').unwrap();
    assert_eq!(
        line,
        " INFO production: stored key=a\\n2026 ERROR \\u{1b}[31m\n"
    );
}

#[test]
fn an_environment_may_have_its_own_level() {
    let own = [("loud", LevelFilter::DEBUG), ("quiet", LevelFilter::OFF)];
    let text = logged(LevelFilter::WARN, None, false, &own, || {
        for name in ["loud", "quiet", "other"] {
            let _span = info_span!("environment", environment = name).entered();
            debug!("debug");
            error!("error");
        }
        debug!(environment = "loud", "by field");
        info!(environment = "quiet", "by field");
        debug!("nobody's");
        warn!("nobody's");
    });
    let of = |line: &Value| {
        let part = |name: &str| {
            line.get(name)
                .and_then(Value::as_str)
                .unwrap_or("-")
                .to_owned()
        };
        format!(
            "{} {} {}",
            part("environment"),
            part("level"),
            part("message")
        )
    };
    let lines: Vec<_> = json_lines(&text).iter().map(of).collect();
    assert_eq!(
        lines,
        [
            "loud debug debug",
            "loud error error",
            "other error error",
            "loud debug by field",
            "- warn nobody's"
        ]
    );
}

#[test]
fn an_environment_is_heard_also_where_nothing_else_is_logged() {
    let text = logged(
        LevelFilter::OFF,
        None,
        false,
        &[("a", LevelFilter::ERROR)],
        || {
            let _span = info_span!("environment", environment = "a").entered();
            error!("heard");
            warn!("not heard");
        },
    );
    assert_eq!(json_lines(&text).len(), 1, "{text}");
}

#[test]
fn crates_that_show_headers_are_pinned_to_warn() {
    let text = logged(
        LevelFilter::TRACE,
        None,
        false,
        &[("a", LevelFilter::TRACE)],
        || {
            let _span = info_span!("environment", environment = "a").entered();
            debug!(target: "reqwest::connect", authorization = "sdk-secret");
            info!(target: "hyper_util::client", "authorization: sdk-secret");
            debug!(target: "aws_smithy_runtime::client", "Authorization: sdk-secret");
            debug!(target: "eventsource_client::client", "sdk-secret");
            debug!(target: "h2::codec", "sdk-secret");
            debug!(target: "rustls::client", "sdk-secret");
            debug!(target: "dynoxide::server", "sdk-secret");
            warn!(target: "hyper::proto", "trouble");
            debug!("ours");
        },
    );
    assert!(!text.contains("sdk-secret"), "{text}");
    let lines = json_lines(&text);
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(lines[0]["target"], "hyper::proto");
}

#[tokio::test]
async fn crates_that_use_the_older_interface_are_pinned_too() {
    let captured = Captured::default();
    let log = Log {
        level: LevelFilter::TRACE,
        format: None,
    };
    // The only test that sets the process's own: the others' threads have theirs.
    logging::subscriber(
        log.format,
        false,
        &LogLevels::new(log.level, &[]),
        captured.clone(),
    )
    .init();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    // Nobody listens on port 1; on its way there `reqwest` says much.
    client.get("http://127.0.0.1:1/").send().await.unwrap_err();
    debug!("ours");
    let bytes = captured.0.lock().unwrap().clone();
    let lines = json_lines(&String::from_utf8(bytes).unwrap());
    assert_eq!(lines, [json!({"level": "debug", "message": "ours"})]);
}

#[test]
fn a_secret_that_is_logged_by_mistake_is_not_shown() {
    let key = secrecy::SecretString::from("sdk-secret");
    let text = logged(LevelFilter::INFO, None, false, &[], || info!(?key, "oops"));
    assert_eq!(json_lines(&text).len(), 1);
    assert!(!text.contains("sdk-secret"), "{text}");
}
