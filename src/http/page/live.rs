//! What changes, told to the pages that are open. Everything is rendered at most once a second however many they are, and
//! a page is sent what differs from what it has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::super::App;
use super::roster::ShownRoster;
use super::text::Times;
use super::whole::{all, nobody, order, summary};

/// Pages that are told at a time: they must not use up the port.
const MAX_STREAMS: usize = 16;
/// A stream ends by then, and the browser opens the next: no connection to this port lasts longer than 30 s.
const LIFETIME: Duration = Duration::from_secs(25);
/// Between two looks at what changed.
const PAUSE: Duration = Duration::from_secs(1);
/// What is younger is not rendered again: a little less, so that each look of a page that is alone renders.
const FRESH: Duration = Duration::from_millis(900);
/// When a browser comes again after its stream ended.
const RETRY: Duration = Duration::from_millis(500);

/// What every open page is told from. Cheap to clone.
#[derive(Clone)]
pub(in crate::http) struct Live(Arc<LiveState>);

struct LiveState {
    app: App,
    slots: Arc<Semaphore>,
    /// Tells what this process rendered from what another one did.
    epoch: u64,
    rendered: Mutex<Rendered>,
}

#[derive(Default)]
struct Rendered {
    at: Option<Instant>,
    /// Grows whenever a part changed.
    revision: u64,
    summary: Part,
    /// Where environments come from; empty where the settings list them.
    roster: Part,
    /// Each environment, by name.
    environments: BTreeMap<Arc<str>, Part>,
    /// Their names as they are on the page.
    order: Vec<Arc<str>>,
    /// When one last came or went.
    listed: u64,
}

#[derive(Clone, Default)]
struct Part {
    html: Arc<str>,
    /// When it last changed.
    revision: u64,
}

/// What a page has: everything up to this revision, of that process.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    epoch: u64,
    revision: u64,
}

impl Cursor {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (epoch, revision) = text.split_once('.')?;
        Some(Self {
            epoch: u64::from_str_radix(epoch, 16).ok()?,
            revision: revision.parse().ok()?,
        })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:x}.{}", self.epoch, self.revision)
    }
}

impl Live {
    pub(in crate::http) fn new(app: App) -> Self {
        Self(Arc::new(LiveState {
            app,
            slots: Arc::new(Semaphore::new(MAX_STREAMS)),
            epoch: rand::random(),
            rendered: Mutex::default(),
        }))
    }

    /// The cursor after everything that is there now.
    pub(super) fn cursor(&self) -> Cursor {
        self.look(|rendered| Cursor {
            epoch: self.0.epoch,
            revision: rendered.revision,
        })
    }

    /// Renders everything, unless that was done within the last second.
    fn look<T>(&self, look: impl FnOnce(&Rendered) -> T) -> T {
        let rendered = self.0.rendered.lock();
        let mut rendered = rendered.unwrap_or_else(PoisonError::into_inner);
        let now = (self.0.app.clock)();
        let is_old = |at: Instant| now.monotonic.saturating_duration_since(at) >= FRESH;
        if rendered.at.is_none_or(is_old) {
            let registered = self.0.app.environments.now();
            let readings = self.0.app.readings(&registered, now);
            let environments = all(&readings, Times::InBrowser);
            let parts = environments.iter().map(|it| {
                let name = Arc::clone(it.name());
                (name, it.markup(false, false).into_string())
            });
            let summary = summary(&environments, &readings).into_string();
            let roster = self.0.app.roster.facts();
            let roster = ShownRoster::new(&roster, readings.len(), Times::InBrowser).markup();
            rendered.at = Some(now.monotonic);
            rendered.take(summary, roster.into_string(), parts);
            let names = order(&environments).map(|at| Arc::clone(environments[at].name()));
            rendered.order = names.collect();
        }
        look(&rendered)
    }

    /// What changed after `cursor`, as events, and the cursor after them.
    fn news(&self, cursor: Option<Cursor>) -> (Cursor, String) {
        let mut events = String::new();
        let cursor = cursor.filter(|cursor| cursor.epoch == self.0.epoch);
        let revision = self.look(|rendered| {
            let has = cursor.map_or(0, |cursor| cursor.revision);
            for part in [&rendered.summary, &rendered.roster] {
                if part.revision > has {
                    event(&mut events, "part", &part.html);
                }
            }
            if rendered.listed > has {
                let parts = rendered
                    .order
                    .iter()
                    .filter_map(|name| rendered.environments.get(name));
                let mut all: String = parts.map(|it| &*it.html).collect();
                if all.is_empty() {
                    all = nobody().into_string();
                }
                let list = format!(r#"<div id="environments">{all}</div>"#);
                event(&mut events, "part", &list);
            } else {
                let parts = rendered.environments.values();
                for part in parts.filter(|it| it.revision > has) {
                    event(&mut events, "part", &part.html);
                }
            }
            rendered.revision
        });
        let cursor = Cursor {
            epoch: self.0.epoch,
            revision,
        };
        if !events.is_empty() {
            // What broke off before is sent again.
            for text in ["id: ", &cursor.to_string(), "\nevent: seen\ndata:\n\n"] {
                events.push_str(text);
            }
        }
        (cursor, events)
    }

    /// Tells one page what changed after `cursor`.
    pub(super) fn answer(&self, cursor: Option<Cursor>) -> Response {
        if self.0.app.stopping.is_cancelled() {
            return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
        }
        let Ok(slot) = self.0.slots.clone().try_acquire_owned() else {
            let text = "too many pages are open: this one does not change by itself\n";
            return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
        };
        let mut looks = interval(PAUSE);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let telling = Telling {
            live: self.clone(),
            cursor,
            looks,
            greeted: false,
            until: Instant::now() + LIFETIME,
            _slot: slot,
        };
        let events = stream::unfold(telling, async |mut telling| {
            let events = telling.next().await?;
            Some((
                Ok::<_, std::convert::Infallible>(Bytes::from(events)),
                telling,
            ))
        });
        let mut response = Response::new(Body::from_stream(events));
        let kind = HeaderValue::from_static("text/event-stream");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl Rendered {
    fn take(
        &mut self,
        summary: String,
        roster: String,
        environments: impl Iterator<Item = (Arc<str>, String)>,
    ) {
        let next = self.revision + 1;
        let keep = |before: Option<Part>, html: String| match before {
            Some(before) if *before.html == *html => before,
            _ => Part {
                html: html.into(),
                revision: next,
            },
        };
        self.summary = keep(Some(std::mem::take(&mut self.summary)), summary);
        self.roster = keep(Some(std::mem::take(&mut self.roster)), roster);
        let mut before = std::mem::take(&mut self.environments);
        let mut has_come = self.revision == 0;
        self.environments = environments
            .map(|(name, html)| {
                let before = before.remove(&name);
                has_come |= before.is_none();
                (name, keep(before, html))
            })
            .collect();
        if has_come || !before.is_empty() {
            self.listed = next;
        }
        let revisions = self.environments.values().map(|it| it.revision);
        let is_new = |revision| revision == next;
        let others = [self.summary.revision, self.roster.revision, self.listed];
        if others.into_iter().chain(revisions).any(is_new) {
            self.revision = next;
        }
    }
}

/// One page that is told. Its slot is free again when the connection is gone.
struct Telling {
    live: Live,
    cursor: Option<Cursor>,
    looks: Interval,
    greeted: bool,
    until: Instant,
    _slot: OwnedSemaphorePermit,
}

impl Telling {
    /// The next events, once there are any; none when the stream ends.
    async fn next(&mut self) -> Option<String> {
        let stopping = self.live.0.app.stopping.clone();
        loop {
            tokio::select! {
                biased;
                () = stopping.cancelled() => return None,
                () = tokio::time::sleep_until(self.until) => return None,
                _ = self.looks.tick() => {}
            }
            let (cursor, events) = self.live.news(self.cursor);
            self.cursor = Some(cursor);
            if !self.greeted {
                self.greeted = true;
                let now = (self.live.0.app.clock)().wall;
                let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
                let retry = RETRY.as_millis();
                let hello = format!(
                    "retry: {retry}\nid: {cursor}\nevent: now\ndata: {}\n\n",
                    now.as_millis()
                );
                return Some(events + &hello);
            }
            if !events.is_empty() {
                return Some(events);
            }
        }
    }
}

fn event(events: &mut String, name: &str, html: &str) {
    events.push_str("event: ");
    events.push_str(name);
    for line in html.split(['\n', '\r']) {
        events.push_str("\ndata: ");
        events.push_str(line);
    }
    events.push_str("\n\n");
}
