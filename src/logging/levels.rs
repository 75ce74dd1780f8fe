//! Which events are logged.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// The field that names an environment, on an event or on a span around it.
pub(super) const FIELD: &str = "environment";

/// Crates that are noisy below `warn`, or show headers (and so keys) there. Whatever the level, they get no further.
const PINNED: [&str; 15] = [
    "aws_",
    "axum",
    "dynoxide",
    "eventsource_client",
    "h2",
    "hyper",
    "launchdarkly_sdk_transport",
    "mio",
    "reqwest",
    "rustls",
    "sqlite",
    "tokio",
    "tower",
    "want",
    "webpki",
];

/// An environment's name, kept with the span that has it.
pub(super) struct Named(pub(super) Arc<str>);

/// One level for the process, and some for environments that have their own. They may be changed while lines are written.
/// Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct LogLevels(Arc<RwLock<LevelTable>>);

struct LevelTable {
    level: LevelFilter,
    /// What the settings say of environments.
    configured: HashMap<String, LevelFilter>,
    per_environment: HashMap<String, LevelFilter>,
}

impl LogLevels {
    /// One level for the process, and some for environments, by name.
    pub fn new(level: LevelFilter, per_environment: &[(&str, LevelFilter)]) -> Self {
        let per_environment = per_environment.iter();
        let per_environment = per_environment.map(|(name, level)| ((*name).to_owned(), *level));
        let configured: HashMap<_, _> = per_environment.collect();
        Self(Arc::new(RwLock::new(LevelTable {
            level,
            per_environment: configured.clone(),
            configured,
        })))
    }

    /// From now on the environment has this level, or what the settings say. Those of which `is_known` is not so are
    /// forgotten.
    pub fn set(&self, name: &str, level: Option<LevelFilter>, is_known: impl Fn(&str) -> bool) {
        {
            let table = self.0.write();
            let mut table = table.unwrap_or_else(PoisonError::into_inner);
            let level = level.or_else(|| table.configured.get(name).copied());
            let levels = &mut table.per_environment;
            levels.retain(|name, _| is_known(name));
            match level {
                Some(level) => levels.insert(name.to_owned(), level),
                None => levels.remove(name),
            };
        }
        // What was never logged may be now.
        tracing::callsite::rebuild_interest_cache();
    }

    fn read(&self) -> RwLockReadGuard<'_, LevelTable> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LevelTable {
    /// The most talkative of all.
    fn highest(&self) -> LevelFilter {
        let levels = self.per_environment.values();
        levels.copied().fold(self.level, LevelFilter::max)
    }

    /// Whether an event like this could be logged, in whichever environment it happens.
    fn possible(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        let pinned = PINNED.iter().any(|name| target.starts_with(name));
        if pinned && LevelFilter::WARN < *metadata.level() {
            return false;
        }
        // A span is what tells the environment: it is kept also where nothing of its level is logged.
        metadata.is_span() || *metadata.level() <= self.highest()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Filter<S> for LogLevels {
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        let table = self.read();
        if !table.possible(metadata) {
            Interest::never()
        } else if metadata.is_span() || table.per_environment.is_empty() {
            Interest::always()
        } else {
            Interest::sometimes()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.read().possible(metadata)
    }

    fn event_enabled(&self, event: &Event<'_>, context: &Context<'_, S>) -> bool {
        let table = self.read();
        if table.per_environment.is_empty() {
            return true;
        }
        let own = environment(|visit| event.record(visit));
        let level = own
            .or_else(|| context.event_span(event).as_ref().and_then(around))
            .and_then(|name| table.per_environment.get(&*name))
            .unwrap_or(&table.level);
        event.metadata().level() <= level
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(name) = environment(|visit| attributes.record(visit))
            && let Some(span) = context.span(id)
        {
            span.extensions_mut().replace(Named(name));
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // Spans have the level `info` and have to come through.
        Some(self.read().highest().max(LevelFilter::INFO))
    }
}

/// The environment that the nearest span names.
pub(super) fn around<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<Arc<str>> {
    span.scope().find_map(|span| {
        let extensions = span.extensions();
        extensions.get::<Named>().map(|named| Arc::clone(&named.0))
    })
}

fn environment(record: impl FnOnce(&mut dyn Visit)) -> Option<Arc<str>> {
    let mut name = NameVisitor(None);
    record(&mut name);
    name.0
}

struct NameVisitor(Option<Arc<str>>);

impl Visit for NameVisitor {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == FIELD {
            self.0 = Some(value.into());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // `%name` comes this way: its `Debug` is its `Display`.
        if field.name() == FIELD {
            self.0 = Some(format!("{value:?}").into());
        }
    }
}
