//! What the relay logs, as an operator would see it, for all tests of this program together.

use std::io;
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Begins to collect. Everything of ours, whatever its level, and what libraries find worth telling.
pub(super) fn collect() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("ld_dynamodb_relay=trace,info"))
            .with_ansi(false)
            .with_writer(Collect)
            .init();
    });
}

/// The lines that hold this text, oldest first.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let found = lines.iter().filter(|line| line.contains(text));
    found.cloned().collect()
}

/// How long the environment of this name said to wait, in milliseconds, each time that its connection ended.
pub(crate) fn delays(environment: &str) -> Vec<u64> {
    let of = format!("environment{{name=\"{environment}\"}}");
    let ended = lines("the connection to LaunchDarkly ended");
    let ended = ended.iter().filter(|line| line.contains(&of));
    ended
        .map(|line| {
            let (_, delay) = line.split_once("retry_in_milliseconds=").unwrap();
            delay.split_whitespace().next().unwrap().parse().unwrap()
        })
        .collect()
}

struct Collect;

impl<'a> MakeWriter<'a> for Collect {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl io::Write for Collect {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line).trim_end().to_owned();
        LINES
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(text);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
