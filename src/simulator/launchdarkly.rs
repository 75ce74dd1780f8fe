//! LaunchDarkly as its SDKs and we see it: the stream, the poll, auto-configuration, the events' sink.

mod auto_configuration;
mod behaviour;
mod environment;
mod items;
mod packed;
mod stream;
mod wire;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::header::{ACCEPT_ENCODING, AUTHORIZATION, IF_NONE_MATCH};
use axum::http::{HeaderMap, Method, StatusCode, Uri, response};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc::UnboundedReceiver;

use super::bell::Bell;
use super::server::{Link, Server};
use crate::clock;
use behaviour::{Answer, First};
use packed::{crc_of, gzip, gzip_bomb};
use stream::Open;
use wire::{Message, Outgoing};

pub use auto_configuration::AutoConfiguration;
pub use behaviour::Behaviour;
pub use environment::SimulatedEnvironment;
pub use items::Items;
pub use stream::{Activity, SimulatedStream};
pub use wire::LineEnd;

/// The last requests that are remembered.
const REMEMBERED: usize = 10_000;

/// A simulated LaunchDarkly. Stops when it is dropped.
pub struct LaunchDarkly {
    world: Arc<World>,
    server: Server,
}

#[derive(Default)]
struct World {
    environments: Mutex<HashMap<String, SimulatedEnvironment>>,
    auto_configurations: Mutex<HashMap<String, AutoConfiguration>>,
    requests: Mutex<VecDeque<Received>>,
    bell: Bell,
}

/// Whom a request is for.
enum Addressed {
    Environment(SimulatedEnvironment),
    AutoConfiguration(AutoConfiguration),
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Received {
    /// GET or POST.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// All but `Authorization`.
    pub headers: HeaderMap,
    /// What `Authorization` held.
    pub key: Key,
}

/// What a request's `Authorization` held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// There was none.
    Absent,
    /// A key of nothing.
    Unknown,
    /// The key of an environment or of an auto-configuration, which ends so.
    EndingIn(String),
}

impl LaunchDarkly {
    /// Starts it on the current runtime. Port 0 takes a free one.
    pub async fn start(address: SocketAddr) -> anyhow::Result<Self> {
        let world = Arc::<World>::default();
        let router = Router::new()
            .fallback(receive)
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&world));
        let server = Server::start(address, router, tokio::runtime::Handle::current())
            .await
            .with_context(|| format!("the simulated LaunchDarkly cannot listen on {address}"))?;
        Ok(Self { world, server })
    }

    /// The stream's, the polls' and the events' base.
    pub fn uri(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The auto-configuration with this key; made, and empty, when it is first named.
    pub fn auto_configuration(&self, key: &str) -> AutoConfiguration {
        self.world
            .auto_configurations()
            .entry(key.into())
            .or_insert_with(AutoConfiguration::new)
            .clone()
    }

    /// The environment with this SDK key; made, and empty, when it is first named. An environment of an auto-configuration
    /// is had from there.
    pub fn environment(&self, sdk_key: &str) -> SimulatedEnvironment {
        self.world
            .environments()
            .entry(sdk_key.into())
            .or_insert_with(SimulatedEnvironment::new)
            .clone()
    }

    /// This key is refused from now on, and its streams end.
    pub fn revoke(&self, sdk_key: &str) {
        if let Some(environment) = self.world.environments().remove(sdk_key) {
            environment.disconnect_all();
        }
    }

    /// Gives an environment another key; the old one is refused from now on, and its streams end.
    pub fn replace_key(&self, old: &str, new: &str) {
        if let Some(environment) = self.exchange_key(old, new) {
            environment.disconnect_all();
        }
    }

    /// Gives an environment another key; the old one is refused from now on, but its streams live on.
    pub fn rotate_key(&self, old: &str, new: &str) {
        self.exchange_key(old, new);
    }

    fn exchange_key(&self, old: &str, new: &str) -> Option<SimulatedEnvironment> {
        let mut environments = self.world.environments();
        let environment = environments.remove(old)?;
        environments.insert(new.into(), environment.clone());
        Some(environment)
    }

    /// The last 10,000 requests, oldest first.
    pub fn requests(&self) -> Vec<Received> {
        self.world.requests().iter().cloned().collect()
    }

    /// Returns once `n` requests of any sort have come.
    ///
    /// # Panics
    ///
    /// After half a minute.
    pub async fn wait_for_requests(&self, n: usize) {
        let what = format!("{n} requests to LaunchDarkly");
        let come = || self.world.requests().len() >= n;
        self.world.bell.until(&what, come).await;
    }

    /// Refuses connections and cuts those that there are. What environments say stays.
    pub async fn stop(&self) {
        self.server.close().await;
    }

    /// Listens again on the same port.
    pub async fn restart(&self) -> anyhow::Result<()> {
        self.server
            .open()
            .await
            .map(drop)
            .context("the simulated LaunchDarkly cannot listen on its port again")
    }
}

impl World {
    fn environments(&self) -> MutexGuard<'_, HashMap<String, SimulatedEnvironment>> {
        self.environments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn auto_configurations(&self) -> MutexGuard<'_, HashMap<String, AutoConfiguration>> {
        self.auto_configurations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The environment that has this key by itself, or accepts it because an auto-configuration says so.
    fn environment_of(&self, sdk_key: &str) -> Option<SimulatedEnvironment> {
        if let Some(environment) = self.environments().get(sdk_key) {
            return Some(environment.clone());
        }
        let now = clock::now().wall.duration_since(UNIX_EPOCH);
        let now_ms = now.map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX));
        let all = self.auto_configurations();
        all.values().find_map(|it| it.accepting(sdk_key, now_ms))
    }

    fn requests(&self) -> MutexGuard<'_, VecDeque<Received>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, received: Received) {
        {
            let mut requests = self.requests();
            if requests.len() == REMEMBERED {
                requests.pop_front();
            }
            requests.push_back(received);
        }
        self.bell.ring();
    }
}

async fn receive(
    State(world): State<Arc<World>>,
    ConnectInfo(link): ConnectInfo<Link>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    _read_to_the_end: Bytes,
) -> Response {
    let key = headers.remove(AUTHORIZATION);
    let key = key.as_ref().and_then(|key| key.to_str().ok());
    // Very old SDKs put a word before it.
    let key = key.map(|key| key.strip_prefix("api_key ").unwrap_or(key));
    let path = uri.path();
    let asked = match (method.as_str(), path) {
        ("GET", "/relay_auto_config") => key
            .and_then(|key| world.auto_configurations().get(key).cloned())
            .map(Addressed::AutoConfiguration),
        _ => key
            .and_then(|key| world.environment_of(key))
            .map(Addressed::Environment),
    };
    world.remember(Received {
        method: method.clone(),
        path: uri.to_string(),
        headers: headers.clone(),
        key: match (key, &asked) {
            (None, _) => Key::Absent,
            (Some(_), None) => Key::Unknown,
            (Some(key), Some(_)) => Key::EndingIn(last_four(key)),
        },
    });
    let known = matches!(
        (method.as_str(), path),
        ("GET", "/all" | "/sdk/latest-all" | "/relay_auto_config")
            | ("POST", "/bulk" | "/diagnostic")
    );
    match asked {
        _ if !known => StatusCode::NOT_FOUND.into_response(),
        None => (StatusCode::UNAUTHORIZED, "unknown key\n").into_response(),
        Some(Addressed::AutoConfiguration(_)) if uri.query() != Some("rpacProtocolVersion=2") => {
            (StatusCode::BAD_REQUEST, "protocol version 2 is spoken\n").into_response()
        }
        Some(Addressed::AutoConfiguration(it)) => stream(&it, None, || it.open(), link).await,
        Some(Addressed::Environment(it)) => match path {
            "/all" => {
                let open = || {
                    let (items, messages, open) = it.open();
                    (items.to_put(), messages, open)
                };
                stream(&it, it.id(), open, link).await
            }
            "/sdk/latest-all" => poll(&it, &headers, link).await,
            _ => StatusCode::ACCEPTED.into_response(),
        },
    }
}

fn last_four(key: &str) -> String {
    let start = key.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    key[start..].into()
}

async fn stream(
    asked: &SimulatedStream,
    id: Option<String>,
    open: impl FnOnce() -> (String, UnboundedReceiver<Message>, Open),
    link: Link,
) -> Response {
    let behaviour = asked.attempt();
    if let Some(other) = otherwise(&behaviour, &link).await {
        return other;
    }
    let head = head(&behaviour, id, "text/event-stream").header("cache-control", "no-cache");
    let (put, messages, open) = open();
    let first = match behaviour.first.clone() {
        First::Put => wire::event("put", put.as_bytes(), behaviour.line_end),
        First::Bytes(bytes) => bytes.into(),
        First::GzipBomb(bytes) => gzip_bomb(bytes),
    };
    let outgoing = Outgoing::new(&behaviour, first, link).follow(messages, open);
    finish(head, outgoing.into_body())
}

async fn poll(environment: &SimulatedEnvironment, asked: &HeaderMap, link: Link) -> Response {
    let behaviour = environment.poll();
    if let Some(other) = otherwise(&behaviour, &link).await {
        return other;
    }
    let mut head = head(&behaviour, environment.id(), "application/json");
    let body: Bytes = match behaviour.first.clone() {
        First::Bytes(bytes) => bytes.into(),
        First::GzipBomb(bytes) => gzip_bomb(bytes),
        First::Put => {
            let json = environment.items().to_json();
            let tag = format!("\"{:x}\"", crc_of(json.as_bytes()));
            head = head.header("etag", &tag);
            if asked
                .get(IF_NONE_MATCH)
                .is_some_and(|it| it == tag.as_str())
            {
                return finish(head.status(StatusCode::NOT_MODIFIED), Body::empty());
            }
            let wants_gzip = asked
                .get(ACCEPT_ENCODING)
                .and_then(|it| it.to_str().ok())
                .is_some_and(|it| it.contains("gzip"));
            if wants_gzip {
                head = head.header("content-encoding", "gzip");
                gzip(std::iter::once(json.as_bytes()))
            } else {
                json.into()
            }
        }
    };
    finish(head, Outgoing::new(&behaviour, body, link).end())
}

/// What is answered where it is neither a stream nor a data set.
async fn otherwise(behaviour: &Behaviour, link: &Link) -> Option<Response> {
    tokio::time::sleep(behaviour.delay).await;
    match &behaviour.answer {
        Answer::AsAsked => None,
        Answer::Cut => link.cut_for_good().await,
        Answer::Never => std::future::pending().await,
        Answer::Status(status, body) => {
            let head = with_headers(Response::builder().status(*status), behaviour);
            Some(finish(head, Body::from(body.clone())))
        }
    }
}

fn head(behaviour: &Behaviour, id: Option<String>, usual: &str) -> response::Builder {
    let mut head = with_headers(Response::builder(), behaviour);
    if behaviour.content_type.is_none() {
        head = head.header("content-type", usual);
    }
    match id {
        Some(id) => head.header("x-ld-envid", id),
        None => head,
    }
}

fn with_headers(mut head: response::Builder, behaviour: &Behaviour) -> response::Builder {
    if let Some(content_type) = &behaviour.content_type {
        head = head.header("content-type", content_type);
    }
    for (name, value) in &behaviour.headers {
        head = head.header(name, value);
    }
    head
}

fn finish(head: response::Builder, body: Body) -> Response {
    head.body(body).unwrap_or_else(|error| {
        let message = format!("the simulator was told to send what HTTP cannot: {error}\n");
        (StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
    })
}
