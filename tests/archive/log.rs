//! What is logged, by the thread that logs it: each test has one.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use ld_dynamodb_relay::config::Log;
use ld_dynamodb_relay::logging::{self, LogLevels};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Begins to collect, before any test has logged anything.
pub(crate) fn collect() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let log = Log {
            level: LevelFilter::INFO,
            format: None,
        };
        logging::subscriber(log.format, false, &LogLevels::new(log.level, &[]), || {
            Collect
        })
        .init();
    });
}

/// The messages since the last time.
pub(crate) fn messages() -> Vec<String> {
    let text = String::from_utf8(LINES.take()).unwrap();
    let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let message = |line: serde_json::Value| line["message"].as_str().unwrap().to_owned();
    text.lines().map(line).map(message).collect()
}

struct Collect;

impl io::Write for Collect {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
