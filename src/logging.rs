//! One line for each thing that happened: JSON for machines, text on a terminal.
//!
//! An event belongs to an environment if it has a field `environment`, or happens within a span that has one. That is
//! how an environment has its own level, and how each line says to whom it happened.

mod levels;
mod lines;

use std::io;

use tracing::Subscriber;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::config::LogFormat;

use lines::{Lines, Unformatted};

pub use levels::LogLevels;

/// Where log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogOutput {
    /// For `run`.
    Stdout,
    /// For commands whose result is on standard output.
    Stderr,
}

/// Starts logging for the process. `is_terminal` is whether `output` is one.
pub fn init(
    format: Option<LogFormat>,
    output: LogOutput,
    is_terminal: bool,
    levels: &LogLevels,
) -> Result<(), TryInitError> {
    match output {
        LogOutput::Stdout => subscriber(format, is_terminal, levels, io::stdout).try_init(),
        LogOutput::Stderr => subscriber(format, is_terminal, levels, io::stderr).try_init(),
    }
}

/// What [`init`] starts, writing to `writer`.
pub fn subscriber<W>(
    format: Option<LogFormat>,
    is_terminal: bool,
    levels: &LogLevels,
    writer: W,
) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let format = format.unwrap_or(if is_terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    });
    let lines = fmt::layer()
        .fmt_fields(Unformatted)
        .event_format(Lines::new(format, is_terminal))
        .with_writer(writer);
    registry().with(lines.with_filter(levels.clone()))
}
