//! The status page: what operators see in a browser. Whole without JavaScript; with it, it changes by itself.

mod condition;
mod environment;
mod live;
mod roster;
mod text;
mod whole;

use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};

use super::App;
use super::operators::{is_called_by_our_name, operator};
use crate::secrets::Kept;
use live::Cursor;
pub(super) use live::Live;
use text::Times;
use whole::{Orders, Viewer};

/// A page that is given orders has its own origin told with them; nothing of others is loaded, and nobody frames it.
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];
const OTHER_NAME: &str = "open this page at localhost or at an address of this machine: a browser on it that calls it by \
                          another name may have been sent here by somebody else's page. A proxy on it has to send \
                          Host: localhost\n";
const OTHER_SITE: &str = "this is for the status page\n";
/// An answer to an order is shorter.
const MAX_ANSWER_BYTES: usize = 4_096;

type Parameters = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// What the page loads, and what tells it of changes.
pub(super) fn routes() -> Router<App> {
    let file = |kind: &'static str, text: &'static str| {
        get(async move || ([(header::CONTENT_TYPE, kind)], text))
    };
    let (script, style) = (include_str!("page/page.js"), include_str!("page/page.css"));
    Router::new()
        .route("/live", get(live_events))
        .route("/page.js", file("text/javascript; charset=utf-8", script))
        .route("/page.css", file("text/css; charset=utf-8", style))
        .route(
            "/icon.svg",
            file("image/svg+xml", include_str!("page/icon.svg")),
        )
}

pub(super) async fn page(
    State(app): State<App>,
    Extension(live): Extension<Live>,
    parameters: Parameters,
    request: Request,
) -> Response {
    let (peer, headers) = (peer(&request), request.headers());
    if !is_called_by_our_name(peer, headers) {
        return (StatusCode::FORBIDDEN, OTHER_NAME).into_response();
    }
    let token = app.admin_token.as_ref().and_then(Kept::value);
    let orders = match (operator(peer, headers, None), token) {
        (Some(_), _) => Orders::Free,
        (None, Some(_)) => Orders::WithToken,
        (None, None) => Orders::Never,
    };
    let viewer = Viewer {
        sought: parameter(&parameters, "q").unwrap_or_default(),
        reloads: parameter(&parameters, "reload").is_some(),
        orders,
    };
    // Before the page is made: what changes meanwhile is told once more.
    let live = format!("/live?since={}", live.cursor());
    let now = (app.clock)();
    let registered = app.environments.now();
    let page = whole::page(
        &app.readings(&registered, now),
        &app.roster.facts(),
        Times::At(now.wall),
        &viewer,
        &live,
    );
    with_headers(Html(page.into_string()).into_response())
}

async fn live_events(
    Extension(live): Extension<Live>,
    parameters: Parameters,
    request: Request,
) -> Response {
    let headers = request.headers();
    if !is_called_by_our_name(peer(&request), headers) || is_for_another_site(headers) {
        return (StatusCode::FORBIDDEN, OTHER_SITE).into_response();
    }
    // A browser that comes again says what it has.
    let last = headers.get("last-event-id").and_then(|it| it.to_str().ok());
    let since = parameter(&parameters, "since");
    live.answer(last.or(since.as_deref()).and_then(Cursor::parse))
}

/// Another site's page cannot read what it loads from here, and must not keep it from ours either.
fn is_for_another_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    site.is_some_and(|site| site != "same-origin" && site != "none")
}

/// For browsers without JavaScript: what an order came to, as a page. Programs get the text.
pub(super) async fn readable(request: Request, next: Next) -> Response {
    let accepts = request.headers().get(header::ACCEPT);
    let accepts = accepts.and_then(|it| it.to_str().ok());
    let from_browser = accepts.is_some_and(|it| it.contains("text/html"));
    let response = next.run(request).await;
    if !from_browser {
        return response;
    }
    let status = response.status();
    let body = to_bytes(response.into_body(), MAX_ANSWER_BYTES).await;
    let text = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
    let page = whole::answer(status.is_success(), &text).into_string();
    with_headers((status, Html(page)).into_response())
}

fn with_headers(mut response: Response<Body>) -> Response<Body> {
    response
        .headers_mut()
        .extend(HEADERS.map(|(name, value)| (Some(name), value)));
    response
}

fn peer(request: &Request) -> Option<SocketAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map(|ConnectInfo(peer)| *peer)
}

fn parameter(parameters: &Parameters, name: &str) -> Option<String> {
    let Query(parameters) = parameters.as_ref().ok()?;
    let found = parameters.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.clone())
}
