//! How an event becomes a line.

use std::fmt::{self, Write as _};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::levels::{self, FIELD};
use crate::config::LogFormat;

/// What our own events' targets begin with.
const OURS: &str = env!("CARGO_CRATE_NAME");

/// Fields as members of a JSON object, or behind the message as `name=value`.
pub(super) struct Lines {
    format: LogFormat,
    colors: bool,
}

impl Lines {
    pub(super) fn new(format: LogFormat, colors: bool) -> Self {
        Self { format, colors }
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let environment = fields.0.remove(FIELD).or_else(|| {
            let name = levels::around(&context.event_scope()?.next()?)?;
            Some(Value::from(&*name))
        });
        let level = *event.metadata().level();
        // Whose line it is, where it is not ours. Crates that use `log` all come as `log`, and say more in a field.
        let target = event.metadata().target();
        if !target.starts_with(OURS) && !fields.0.contains_key("target") {
            fields.0.insert("target".to_owned(), target.into());
        }
        match self.format {
            LogFormat::Json => json(&mut out, level, environment, fields.0),
            LogFormat::Text => text(&mut out, level, environment, fields.0, self.colors),
        }
    }
}

/// `{"timestamp":…,"level":…,"environment":…,"message":…, and the fields}`
fn json(
    out: &mut Writer<'_>,
    level: Level,
    environment: Option<Value>,
    fields: Map<String, Value>,
) -> fmt::Result {
    out.write_str(r#"{"timestamp":""#)?;
    SystemTime.format_time(out)?;
    write!(out, r#"","level":"{}""#, level.as_str().to_lowercase())?;
    if let Some(environment) = environment {
        write!(out, r#","{FIELD}":{environment}"#)?;
    }
    for (name, value) in ordered(fields) {
        // A second member of that name would make the line ambiguous.
        let name = match name.as_str() {
            "timestamp" | "level" => format!("field.{name}"),
            _ => name,
        };
        write!(out, ",{}:{value}", Value::from(name))?;
    }
    out.write_str("}\n")
}

/// `time LEVEL environment: message name=value …`
fn text(
    out: &mut Writer<'_>,
    level: Level,
    environment: Option<Value>,
    fields: Map<String, Value>,
    colors: bool,
) -> fmt::Result {
    SystemTime.format_time(out)?;
    if colors {
        let color = match level {
            Level::ERROR => 31,
            Level::WARN => 33,
            Level::INFO => 32,
            _ => 2,
        };
        write!(out, " \x1b[{color}m{level:>5}\x1b[0m")?;
    } else {
        write!(out, " {level:>5}")?;
    }
    if let Some(environment) = environment {
        write!(out, " {}:", Plain(&environment))?;
    }
    for (name, value) in ordered(fields) {
        if name == "message" {
            write!(out, " {}", Plain(&value))?;
        } else {
            write!(out, " {name}={}", Plain(&value))?;
        }
    }
    out.write_char('\n')
}

/// The message first, then the fields by name.
fn ordered(mut fields: Map<String, Value>) -> impl Iterator<Item = (String, Value)> {
    let message = fields.remove("message");
    message
        .map(|message| ("message".to_owned(), message))
        .into_iter()
        .chain(fields)
}

/// A value for people. What came from outside cannot begin a line of its own or colour the terminal.
struct Plain<'a>(&'a Value);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Value::String(text) = self.0 else {
            return write!(out, "{}", self.0);
        };
        text.chars().try_for_each(|char| {
            if char.is_control() {
                write!(out, "{}", char.escape_default())
            } else {
                out.write_char(char)
            }
        })
    }
}

/// An event's fields by name.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, field: &Field, value: Value) {
        let name = match field.name() {
            "log.target" => "target",
            // Where in its source a crate that uses `log` wrote the line.
            name if name.starts_with("log.") => return,
            name => name.strip_prefix("r#").unwrap_or(name),
        };
        self.0.insert(name.to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        let number = i64::try_from(value).map(Value::from);
        self.set(field, number.unwrap_or_else(|_| value.to_string().into()));
    }

    /// Durations' milliseconds come this way; they are numbers for machines as well.
    fn record_u128(&mut self, field: &Field, value: u128) {
        let number = u64::try_from(value).map(Value::from);
        self.set(field, number.unwrap_or_else(|_| value.to_string().into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}").into());
    }
}

/// Spans' fields are not shown, apart from `environment`, which is kept elsewhere: nothing is formatted for them.
pub(super) struct Unformatted;

impl<'writer> FormatFields<'writer> for Unformatted {
    fn format_fields<R: RecordFields>(&self, _: Writer<'writer>, _: R) -> fmt::Result {
        Ok(())
    }
}
