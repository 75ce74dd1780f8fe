//! What changes, told to the pages that are open. Everything is rendered at most once a second however many they are, and
//! a page is sent what differs from what it has.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::super::App;
use super::text::Times;
use super::whole::{all, order, summary};

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
    /// The places of the environments on the page.
    order: Vec<usize>,
    /// Each with the revision at which it last changed: the summary, and then each environment.
    parts: Vec<(u64, Arc<str>)>,
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
            let readings = self.0.app.readings(now);
            let environments = all(&readings, Times::InBrowser);
            let first = summary(&environments, &readings);
            let others = environments.iter().map(|it| it.markup(false, false));
            let parts = std::iter::once(first).chain(others);
            rendered.at = Some(now.monotonic);
            rendered.take(parts.map(maud::PreEscaped::into_string));
            rendered.order = order(&environments).collect();
        }
        look(&rendered)
    }

    /// What changed after `cursor`, as events, and the cursor after them.
    fn news(&self, cursor: Option<Cursor>) -> (Cursor, String) {
        let mut events = String::new();
        let cursor = cursor.filter(|cursor| cursor.epoch == self.0.epoch);
        let revision = self.look(|rendered| {
            if let Some(cursor) = cursor {
                let new = |part: &&(u64, Arc<str>)| part.0 > cursor.revision;
                for (_, html) in rendered.parts.iter().filter(new) {
                    event(&mut events, "part", html);
                }
            } else if let [(_, summary), environments @ ..] = &*rendered.parts {
                event(&mut events, "part", summary);
                let all = rendered.order.iter().map(|&at| &*environments[at].1);
                let all: String = all.collect();
                let list = format!(r#"<div id="environments">{all}</div>"#);
                event(&mut events, "part", &list);
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
    fn take(&mut self, parts: impl Iterator<Item = String>) {
        let before = std::mem::take(&mut self.parts);
        let next = self.revision + 1;
        let keep = |(at, html): (usize, String)| match before.get(at) {
            Some((revision, same)) if **same == *html => (*revision, Arc::clone(same)),
            _ => (next, html.into()),
        };
        self.parts = parts.enumerate().map(keep).collect();
        if self.parts.iter().any(|(revision, _)| *revision == next) {
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
