//! What the log says: once, with names and without contents.

use std::sync::{LazyLock, Mutex, PoisonError};

use launchdarkly_server_sdk::DataKind;
use log::{LevelFilter, Log, Metadata, Record};

use crate::place::{Place, live, set};

struct Lines(Mutex<Vec<String>>);

static LINES: LazyLock<&'static Lines> = LazyLock::new(|| {
    let lines: &'static Lines = Box::leak(Box::new(Lines(Mutex::default())));
    log::set_logger(lines).unwrap();
    log::set_max_level(LevelFilter::Warn);
    lines
});

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata
            .target()
            .starts_with("launchdarkly_server_sdk_dynamodb")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = format!("{} {}", record.level(), record.args());
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line);
        }
    }

    fn flush(&self) {}
}

/// The lines so far that name this; other tests log meanwhile.
fn about(name: &str) -> Vec<String> {
    let lines = LINES.0.lock().unwrap_or_else(PoisonError::into_inner);
    lines
        .iter()
        .filter(|line| line.contains(name))
        .cloned()
        .collect()
}

#[test]
fn what_is_left_out_is_told_by_name() {
    LazyLock::force(&LINES);
    let place = Place::embedded();
    let mut store = place.store();
    let huge = live(
        "whale",
        2,
        &format!(r#","salt":"{}""#, "confidential".repeat(40_000)),
    );
    let mut data = set(&[("minnow", 1)], &[]);
    data.flags.insert("whale".into(), huge.clone());
    store.init(data).unwrap();
    let lines = about("whale");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].starts_with("ERROR the flag \"whale\" is left out"),
        "{lines:?}"
    );
    assert!(
        lines[0].contains("409600") && !lines[0].contains("confidential"),
        "{lines:?}"
    );
    assert!(!store.upsert(DataKind::Segment, "whale", huge).unwrap());
    let lines = about("whale");
    assert!(
        lines[1].starts_with("ERROR the segment \"whale\" is not stored"),
        "{lines:?}"
    );
    assert!(about("minnow").is_empty(), "what goes well is not told");
}

#[test]
fn a_version_that_other_readers_cannot_hold_is_told_and_stored() {
    LazyLock::force(&LINES);
    let place = Place::embedded();
    let mut store = place.store();
    store.init(set(&[("shark", 2_147_483_647)], &[])).unwrap();
    assert!(about("shark").is_empty());
    store.init(set(&[("shark", 2_147_483_648)], &[])).unwrap();
    let later = live("shark", u64::MAX, "");
    assert!(store.upsert(DataKind::Flag, "shark", later).unwrap());
    let lines = about("shark");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with("WARN the flag \"shark\" has version 2147483648"),
        "{lines:?}"
    );
    assert_eq!(place.flag_row("shark").unwrap().0, u64::MAX.to_string());
}

#[test]
fn rows_that_cannot_be_read_are_told_in_one_line() {
    LazyLock::force(&LINES);
    let place = Place::embedded();
    for number in 0..20 {
        place.write(&place.names.flags, &format!("herring-{number:02}"), &[]);
    }
    assert!(place.store().all_flags().unwrap().is_empty());
    let lines = about("herring");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].starts_with("ERROR 20 flags in DynamoDB cannot be read"),
        "{lines:?}"
    );
    assert_eq!(
        lines[0].matches("herring").count(),
        5,
        "a few names are enough"
    );
}
