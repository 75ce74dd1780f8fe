//! Orders of operators: look again, and let the removals go that the brake holds.

use std::net::SocketAddr;

use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::App;
use super::operators::operator;
use crate::config::log_level as log_level_named;
use crate::secrets::Kept;

/// What an operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// That everything is asked for and read again.
    Sync,
    /// That so many removals are done.
    Release(usize),
}

const FORBIDDEN: &str = "ask at localhost, from this machine and not through a proxy, or set ADMIN_TOKEN and send \
                         `Authorization: Bearer` with it\n";
const UNCLEAR: &str = "ask without parameters to have everything compared again, or with \
                       `?confirm=removals&count=N` to let N removals go that are held\n";

const UNCLEAR_OF_ROSTER: &str =
    "ask with `?confirm=removals&count=N` to let N environments go whose removal is held\n";
const UNCLEAR_LEVEL: &str =
    "ask with `?level=` and one of debug, info, warn, error, none, or default\n";
const ACCEPTED: &str = "accepted: see the status and the log for what comes of it\n";

type QueryPairs = Vec<(String, String)>;

/// `POST /sync/{environment}`.
pub(super) async fn sync(
    State(app): State<App>,
    Path(name): Path<String>,
    query: Result<Query<QueryPairs>, QueryRejection>,
    request: Request,
) -> Response {
    let Some((by, peer)) = who(&app, &request) else {
        return (StatusCode::FORBIDDEN, FORBIDDEN).into_response();
    };
    let Some(environment) = app.environments.named(&name) else {
        return (StatusCode::NOT_FOUND, "no such environment\n").into_response();
    };
    let Some(order) = query.ok().and_then(|Query(parameters)| order(&parameters)) else {
        return (StatusCode::BAD_REQUEST, UNCLEAR).into_response();
    };
    let held = environment.status.facts().braked;
    if let Order::Release(count) = order
        && (count != held || held == 0)
    {
        return other_number(held);
    }
    let peer = peer.map(tracing::field::display);
    match order {
        Order::Sync => {
            tracing::info!(
                environment = &*name,
                by,
                peer,
                "an operator wants everything compared again"
            );
            environment.control.sync();
        }
        Order::Release(removals) => {
            tracing::warn!(
                environment = &*name,
                by,
                peer,
                removals,
                "an operator confirms removals that are held"
            );
            environment.control.release(removals);
        }
    }
    (StatusCode::ACCEPTED, ACCEPTED).into_response()
}

/// `POST /roster?confirm=removals&count=N`.
pub(super) async fn roster(
    State(app): State<App>,
    query: Result<Query<QueryPairs>, QueryRejection>,
    request: Request,
) -> Response {
    let Some((by, peer)) = who(&app, &request) else {
        return (StatusCode::FORBIDDEN, FORBIDDEN).into_response();
    };
    let order = query.ok().and_then(|Query(parameters)| order(&parameters));
    let Some(Order::Release(removals)) = order else {
        return (StatusCode::BAD_REQUEST, UNCLEAR_OF_ROSTER).into_response();
    };
    let held = app.roster.facts().held_removals;
    if removals != held || held == 0 {
        return other_number(held);
    }
    let peer = peer.map(tracing::field::display);
    tracing::warn!(
        by,
        peer,
        removals,
        "an operator confirms the removal of environments that is held"
    );
    app.roster_orders.confirm(removals);
    (StatusCode::ACCEPTED, ACCEPTED).into_response()
}

/// `POST /log-level/{environment}?level=debug`, until the process ends.
pub(super) async fn log_level(
    State(app): State<App>,
    Path(name): Path<String>,
    query: Result<Query<QueryPairs>, QueryRejection>,
    request: Request,
) -> Response {
    let Some((by, peer)) = who(&app, &request) else {
        return (StatusCode::FORBIDDEN, FORBIDDEN).into_response();
    };
    if app.environments.named(&name).is_none() {
        return (StatusCode::NOT_FOUND, "no such environment\n").into_response();
    }
    let wanted = query
        .ok()
        .and_then(|Query(parameters)| match &parameters[..] {
            [(parameter, level)] if parameter == "level" => Some(level.clone()),
            _ => None,
        });
    let level = match wanted.as_deref() {
        Some("default") => None,
        Some(level) => match log_level_named(level) {
            Ok(level) => Some(level),
            Err(_) => return (StatusCode::BAD_REQUEST, UNCLEAR_LEVEL).into_response(),
        },
        None => return (StatusCode::BAD_REQUEST, UNCLEAR_LEVEL).into_response(),
    };
    let peer = peer.map(tracing::field::display);
    tracing::warn!(
        environment = &*name,
        by,
        peer,
        log_level = wanted,
        "an operator changes what is logged of an environment"
    );
    let is_known = |name: &str| app.environments.named(name).is_some();
    app.log_levels.set(&name, level, is_known);
    (
        StatusCode::OK,
        "it is so from now on, until the daemon is restarted\n",
    )
        .into_response()
}

/// How an operator shows who they are, and where they come from; none for who is no operator.
fn who(app: &App, request: &Request) -> Option<(&'static str, Option<SocketAddr>)> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(peer)| *peer);
    let token = app.admin_token.as_ref().and_then(Kept::value);
    let by = operator(peer, request.headers(), token.as_ref());
    if by.is_none() {
        tracing::debug!(
            peer = peer.map(tracing::field::display),
            "an order was refused"
        );
    }
    Some((by?.label(), peer))
}

fn other_number(held: usize) -> Response {
    let text = match held {
        0 => "no removals are held now\n".to_owned(),
        _ => format!("{held} removals are held now; that is the number to confirm\n"),
    };
    (StatusCode::CONFLICT, text).into_response()
}

/// What the query says, if it says one thing.
fn order(parameters: &[(String, String)]) -> Option<Order> {
    let mut parameters: Vec<_> = parameters
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    parameters.sort_unstable();
    match parameters[..] {
        [] => Some(Order::Sync),
        [("confirm", "removals"), ("count", count)] => count.parse().ok().map(Order::Release),
        _ => None,
    }
}
