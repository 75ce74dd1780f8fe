//! What others see of us and may ask of us: probes, the Relay Proxy's short status and the webhook on the port for load
//! balancers; everything that names an environment, and orders, on the port for operators.

mod document;
mod expect;
mod few;
mod masking;
mod operators;
mod orders;
mod page;
mod probes;
mod server;
mod status_routes;
mod tls;
mod webhook;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use tokio_util::sync::CancellationToken;
use tower_http::limit::RequestBodyLimitLayer;

pub use probes::{Audience, Readiness, readiness};
pub use server::{WorkPort, serve};
pub use tls::{Tls, TlsTrouble};
pub use webhook::Webhook;

use crate::clock::Moment;
use crate::logging::LogLevels;
use crate::metrics::{KnownEnvironment, Metrics};
use crate::registry::{EnvironmentRegistry, Registered, RosterOrders};
use crate::secrets::Kept;
use crate::status::{Facts, Health, RosterStatus, health};
use document::Reading;
use few::{Few, a_few_at_a_time};

/// Nothing that we answer has a request with a body, but for the webhook, which has a limit of its own.
const MAX_BODY_BYTES: usize = 1_024;

/// On every answer: nothing here is to be kept, guessed at, framed or allowed to load anything.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
];

/// What answers are made from. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The environments that there are.
    pub environments: EnvironmentRegistry,
    /// How we know which there are.
    pub roster: RosterStatus,
    /// What operators say of it.
    pub roster_orders: RosterOrders,
    /// What is logged of each environment.
    pub log_levels: LogLevels,
    /// What the webhook takes.
    pub webhook: Arc<Webhook>,
    /// Allows operators from elsewhere than this machine.
    pub admin_token: Option<Kept>,
    /// Every metric.
    pub metrics: Metrics,
    /// Whether `/metrics` answers.
    pub metrics_enabled: bool,
    /// How long LaunchDarkly may be silent.
    pub read_timeout: Duration,
    /// How long an environment may be behind before it counts as stale.
    pub disconnected_status_time: Duration,
    /// Whether readers of every environment that there was then had usable data once.
    pub was_ready: Arc<AtomicBool>,
    /// Cancelled when we were asked to stop: no longer ready from then on, while the rest still answers.
    pub stopping: CancellationToken,
    /// What time it is.
    pub clock: fn() -> Moment,
}

impl App {
    /// Whether there is any secret that can sign a webhook.
    pub fn webhook_is_on(&self) -> bool {
        let registered = self.environments.now();
        let own = registered.iter().any(|it| !it.webhook_secrets.is_empty());
        !self.webhook.secrets.is_empty() || own
    }

    fn health(&self, facts: &Facts, now: Moment) -> Health {
        health(
            facts,
            now.monotonic,
            self.read_timeout,
            self.disconnected_status_time,
        )
    }

    fn readings<'a>(&self, registered: &'a Registered, now: Moment) -> Vec<Reading<'a>> {
        registered
            .iter()
            .map(|environment| {
                let facts = environment.status.facts();
                Reading {
                    info: &environment.info,
                    health: self.health(&facts, now),
                    facts,
                    tolerated: self.disconnected_status_time,
                    now,
                }
            })
            .collect()
    }

    fn readiness(&self) -> Readiness {
        let registered = self.environments.now();
        let facts: Vec<_> = registered
            .iter()
            .map(|it| (&*it.info.name, it.status.facts()))
            .collect();
        let was_ready = self.was_ready.load(Ordering::Relaxed);
        let stopping = self.stopping.is_cancelled();
        let readiness = readiness(&facts, &self.roster.facts(), was_ready, stopping);
        self.was_ready.fetch_or(readiness.ready, Ordering::Relaxed);
        readiness
    }
}

/// For load balancers: tells nobody which environments exist.
pub fn work(app: App) -> Router {
    let routes = Router::new()
        .route(
            "/readyz",
            get(async |State(app)| ready(&app, Audience::Anyone)),
        )
        .route("/status", get(status_routes::short));
    let webhook = webhook::routes(&app);
    finish(routes, webhook, app)
}

/// For operators and Prometheus.
pub fn admin(app: App) -> Router {
    let few = from_fn_with_state(Few::new(), a_few_at_a_time);
    let mut routes = Router::new()
        .route(
            "/readyz",
            get(async |State(app)| ready(&app, Audience::Operators)),
        )
        .route("/status", get(status_routes::whole).layer(few.clone()))
        .route("/", get(page::page).layer(few.clone()))
        .route("/status/{environment}", get(status_routes::by_name))
        .route(
            "/status/{project}/{environment}",
            get(status_routes::by_keys),
        )
        .route(
            "/sync/{environment}",
            post(orders::sync).layer(from_fn(page::readable)),
        )
        .route(
            "/roster",
            post(orders::roster).layer(from_fn(page::readable)),
        )
        .route("/log-level/{environment}", post(orders::log_level))
        .merge(page::routes())
        .layer(Extension(page::Live::new(app.clone())));
    if app.metrics_enabled {
        routes = routes.route("/metrics", get(metrics).layer(few));
    }
    finish(routes, Router::new(), app)
}

/// `with_bodies` are the routes whose requests have bodies, and limit them.
fn finish(routes: Router<App>, with_bodies: Router<App>, app: App) -> Router {
    routes
        .route("/livez", get(async || "alive\n"))
        .fallback(async || (StatusCode::NOT_FOUND, "not found\n"))
        .layer(RequestBodyLimitLayer::new(MAX_BODY_BYTES))
        .merge(with_bodies)
        .method_not_allowed_fallback(async || {
            (StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n")
        })
        .with_state(app)
        .layer(axum::middleware::map_response(with_headers))
}

async fn with_headers(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

fn ready(app: &App, audience: Audience) -> Response {
    let readiness = app.readiness();
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, readiness.text(audience)).into_response()
}

async fn metrics(State(app): State<App>) -> Response {
    let now = (app.clock)();
    let registered = app.environments.now();
    let readings = app.readings(&registered, now);
    let known = readings.iter().map(|reading| KnownEnvironment {
        name: &reading.info.name,
        facts: &reading.facts,
        health: reading.health,
    });
    let text = app.metrics.render(known, Some(&app.roster.facts()));
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
