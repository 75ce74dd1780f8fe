//! What Prometheus reads: every series from the start, each explained, and the document that lists them is true.

#![expect(clippy::unwrap_used, reason = "helpers of tests may")]
#![expect(clippy::float_cmp, reason = "small whole numbers are exact")]

#[path = "metrics/document.rs"]
mod document;
#[path = "metrics/roster.rs"]
mod roster;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use ld_dynamodb_relay::clock::Moment;
use ld_dynamodb_relay::listener::{Action, SessionEnd};
use ld_dynamodb_relay::metrics::{KnownEnvironment, Metrics};
use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::status::{
    EnvironmentStatus, Held, HeldReason, RosterFacts, RosterStatus, SourcePhase, TablePhase, health,
};
use ld_dynamodb_relay::table::{ErrorClass, Op, WriteOutcome};
use ld_dynamodb_relay::writer::{PropagationStart, Purpose};
use prometheus_parse::{Scrape, Value};
use tokio::time::Instant;

const PREFIX: &str = "ld_dynamodb_";
const MINUTE: Duration = Duration::from_mins(1);

fn now() -> Moment {
    Moment {
        monotonic: Instant::now(),
        wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000),
    }
}

/// What Prometheus would read while these environments are known, which LaunchDarkly lists.
fn render(metrics: &Metrics, environments: &[(&str, &EnvironmentStatus)], now: Moment) -> String {
    let roster = RosterStatus::auto_configured(now).facts();
    render_of(metrics, environments, &roster, now)
}

fn render_of(
    metrics: &Metrics,
    environments: &[(&str, &EnvironmentStatus)],
    roster: &RosterFacts,
    now: Moment,
) -> String {
    let facts: Vec<_> = environments
        .iter()
        .map(|(name, status)| (*name, status.facts()))
        .collect();
    let known = facts.iter().map(|(name, facts)| KnownEnvironment {
        name,
        facts,
        health: health(facts, now.monotonic, 5 * MINUTE, MINUTE),
    });
    metrics.render(known, Some(roster))
}

fn scrape(text: &str) -> Scrape {
    Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap()
}

/// The value of `name{labels}`: the count, for a histogram. `labels` as in `end=closed,kind=flag`.
fn value(text: &str, name: &str, environment: &str, labels: &str) -> f64 {
    let wanted: BTreeMap<_, _> = labels
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .chain([("environment", environment)])
        .collect();
    let found: Vec<_> = scrape(text)
        .samples
        .into_iter()
        .filter(|sample| {
            sample.metric == format!("{PREFIX}{name}")
                && wanted
                    .iter()
                    .all(|(label, value)| sample.labels.get(label) == Some(*value))
        })
        .collect();
    assert_eq!(found.len(), 1, "{name} {labels} in\n{text}");
    match &found[0].value {
        Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => *value,
        Value::Histogram(buckets) => buckets.last().unwrap().count,
        Value::Summary(_) => panic!("{name} is a summary"),
    }
}

#[test]
fn every_series_is_there_at_zero_from_the_start() {
    let metrics = Metrics::new(PREFIX);
    let _series = metrics.environment("production");
    let now = now();
    let text = render(
        &metrics,
        &[("production", &EnvironmentStatus::new(now))],
        now,
    );
    let scrape = scrape(&text);

    let mut seen = BTreeSet::new();
    for sample in &scrape.samples {
        seen.insert(sample.metric.clone());
        if sample.metric.starts_with("process_")
            || sample.metric.ends_with("build_info")
            || sample.metric.ends_with("roster_environments")
        {
            continue;
        }
        if ["connecting", "reading"]
            .iter()
            .any(|phase| sample.labels.get("phase") == Some(*phase))
        {
            continue;
        }
        let empty = match &sample.value {
            Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => *value == 0.0,
            Value::Histogram(buckets) => buckets.iter().all(|bucket| bucket.count == 0.0),
            Value::Summary(_) => false,
        };
        assert!(empty, "{sample:?}");
    }
    for (name, family, environment) in Metrics::families(PREFIX) {
        let histogram = family.kind == "histogram";
        assert!(
            seen.contains(&name) || (name.starts_with("process_") && !cfg!(target_os = "linux")),
            "{name} is missing"
        );
        for sample in scrape.samples.iter().filter(|sample| sample.metric == name) {
            assert_eq!(
                sample.labels.get("environment").is_some(),
                environment,
                "{name}"
            );
            for label in family.labels {
                assert!(sample.labels.get(label).is_some(), "{name} lacks {label}");
            }
            assert_eq!(
                histogram,
                matches!(sample.value, Value::Histogram(_)),
                "{name}"
            );
        }
    }
    // A pair of labels has every combination.
    let capacity = format!("{PREFIX}capacity_units_total");
    let count = scrape
        .samples
        .iter()
        .filter(|sample| sample.metric == capacity)
        .count();
    assert_eq!(count, Op::ALL.len() * Purpose::ALL.len());
}

#[test]
fn the_series_of_an_environment_leave_with_it() {
    let metrics = Metrics::new(PREFIX);
    let (staying, leaving) = (
        metrics.environment("staying"),
        metrics.environment("leaving"),
    );
    staying.throttled.increment(1);
    leaving.throttled.increment(2);
    let again = metrics.environment("leaving");
    drop(leaving);
    let text = render(&metrics, &[], now());
    assert_eq!(
        value(&text, "throttled_total", "leaving", ""),
        2.0,
        "somebody has them"
    );
    drop(again);
    let text = render(&metrics, &[], now());
    assert!(!text.contains("leaving"), "{text}");
    assert_eq!(value(&text, "throttled_total", "staying", ""), 1.0);
}

#[test]
fn every_metric_has_its_help_and_type_once() {
    let metrics = Metrics::new(PREFIX);
    let (_one, _two) = (metrics.environment("one"), metrics.environment("two"));
    let now = now();
    let status = EnvironmentStatus::new(now);
    let text = render(&metrics, &[("one", &status), ("two", &status)], now);
    for (name, family, _) in Metrics::families(PREFIX) {
        if name.starts_with("process_") && !cfg!(target_os = "linux") {
            continue;
        }
        let kind = format!("# TYPE {name} {}\n", family.kind);
        assert_eq!(text.matches(&kind).count(), 1, "{kind}");
        let help = format!("# HELP {name} {}\n", family.help.trim());
        assert_eq!(text.matches(&help).count(), 1, "{help}");
    }
    let declared = Metrics::families(PREFIX).len();
    assert_eq!(
        text.matches("# TYPE ").count(),
        declared,
        "something is not declared"
    );
}

#[test]
fn what_happens_is_counted_where_it_belongs() {
    let metrics = Metrics::new(PREFIX);
    let series = metrics.environment("production");
    let _other = metrics.environment("staging");
    series.sessions.of(SessionEnd::Silent).increment(1);
    series
        .changes
        .of((Kind::Segment, Action::Delete))
        .increment(3);
    series.writes.of(WriteOutcome::Superseded).increment(2);
    series
        .write_errors
        .of(ErrorClass::AccessDenied)
        .increment(1);
    series
        .propagation
        .of(PropagationStart::Received)
        .record(Duration::from_millis(12));
    series.pace.of(Kind::Flag).set(1_000.0);
    series.spent(Op::Read, Purpose::Marker, 0.5);
    series.spent(Op::Write, Purpose::Change, 3.0);
    // An environment made anew goes on counting.
    metrics.environment("production").throttled.increment(1);

    let text = render(&metrics, &[], now());
    let at = |name, labels| value(&text, name, "production", labels);
    assert_eq!(at("sessions_total", "end=silent"), 1.0);
    assert_eq!(at("sessions_total", "end=closed"), 0.0);
    assert_eq!(at("changes_total", "kind=segment,action=delete"), 3.0);
    assert_eq!(at("writes_total", "outcome=superseded"), 2.0);
    assert_eq!(at("write_errors_total", "class=access_denied"), 1.0);
    assert_eq!(at("propagation_seconds", "from=received"), 1.0);
    assert_eq!(at("pace_units_per_second", "kind=flag"), 1_000.0);
    assert_eq!(at("capacity_units_total", "op=read,purpose=marker"), 1.0);
    assert_eq!(at("capacity_units_total", "op=write,purpose=change"), 3.0);
    assert_eq!(at("throttled_total", ""), 1.0);
    assert_eq!(value(&text, "throttled_total", "staging", ""), 0.0);
    let bucket = format!(
        r#"{PREFIX}propagation_seconds_bucket{{environment="production",from="received",le="0.025"}} 1"#
    );
    assert!(text.contains(&bucket), "{text}");
}

#[test]
fn samples_survive_upkeep_and_more_than_one_reading() {
    let metrics = Metrics::new(PREFIX);
    let series = metrics.environment("production");
    series.write_seconds.record(0.002);
    metrics.upkeep();
    series.write_seconds.record(0.002);
    for _ in 0..2 {
        let text = render(&metrics, &[], now());
        assert_eq!(value(&text, "write_seconds", "production", ""), 2.0);
    }
}

#[test]
fn a_connection_is_open_as_long_as_its_guard_lives() {
    let metrics = Metrics::new(PREFIX);
    let series = metrics.environment("production");
    let open = || {
        value(
            &render(&metrics, &[], now()),
            "stream_connected",
            "production",
            "",
        )
    };
    let old = series.connected();
    let new = series.connected();
    assert_eq!(open(), 2.0);
    drop(old);
    assert_eq!(open(), 1.0);
    drop(new);
    assert_eq!(open(), 0.0);
}

#[test]
fn what_follows_from_the_status_is_computed_when_asked() {
    let metrics = Metrics::new(PREFIX);
    let start = now();
    let status = EnvironmentStatus::new(start);
    status.update(|facts| {
        facts.source = (SourcePhase::Connected, start);
        facts.table = (TablePhase::Settled, start);
        facts.heard = Some(start);
        facts.initialized = true;
        facts.items = [(Kind::Flag, 7), (Kind::Segment, 2)];
        let held = Held {
            reason: HeldReason::TooLarge,
            detail: "500,000 bytes".to_owned(),
            since: start.monotonic,
        };
        facts.held.insert(ItemKey::flag("large"), held);
    });
    let text = render(&metrics, &[("production", &status)], start);
    let at = |name, labels| value(&text, name, "production", labels);
    assert_eq!(at("up_to_date", ""), 1.0);
    assert_eq!(at("source_phase", "phase=connected"), 1.0);
    assert_eq!(at("source_phase", "phase=connecting"), 0.0);
    assert_eq!(at("table_phase", "phase=settled"), 1.0);
    assert_eq!(at("items", "kind=flag"), 7.0);
    assert_eq!(at("held", "reason=too_large"), 1.0);
    assert_eq!(at("held", "reason=brake"), 0.0);
    assert_eq!(at("heard_timestamp_seconds", ""), 1_000.0);
    assert_eq!(at("stored_timestamp_seconds", ""), 0.0);

    // Nobody wrote anything, but time passed.
    let later = Moment {
        monotonic: start.monotonic + 7 * MINUTE,
        ..start
    };
    let text = render(&metrics, &[("production", &status)], later);
    assert_eq!(value(&text, "up_to_date", "production", ""), 0.0);
    assert_eq!(value(&text, "stale", "production", ""), 1.0);

    // An environment that is gone leaves no gauge behind.
    assert!(!render(&metrics, &[], later).contains("environment="));
}

#[test]
fn names_that_need_escaping_break_no_line() {
    let metrics = Metrics::new(PREFIX);
    let name = "a \"b\" \\ c\nd";
    let series = metrics.environment(name);
    series.throttled.increment(1);
    let text = render(&metrics, &[(name, &EnvironmentStatus::new(now()))], now());
    let line = format!(r#"{PREFIX}throttled_total{{environment="a \"b\" \\ c\nd"}} 1"#);
    assert!(text.lines().any(|it| it == line), "{text}");
}

#[test]
fn panics_belong_to_the_process() {
    let metrics = Metrics::new(PREFIX);
    metrics.panicked();
    let text = render(&metrics, &[], now());
    assert!(
        text.lines()
            .any(|line| line == "ld_dynamodb_panics_total 1"),
        "{text}"
    );
    let build = format!(
        "ld_dynamodb_build_info{{version=\"{}\"}} 1",
        env!("CARGO_PKG_VERSION")
    );
    assert!(text.contains(&build), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_uses_memory_and_files() {
    let text = render(&Metrics::new(PREFIX), &[], now());
    for name in ["resident_memory_bytes", "start_time_seconds", "open_fds"] {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("process_{name} ")));
        let value: f64 = line.expect(name).parse().unwrap();
        assert!(value > 1.0, "{name} {value}");
    }
}
