//! `/status`, whole, short or of one environment; and what a probe expects of each.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Json, Response};
use serde::Serialize;

use super::App;
use super::document::{self, Outlined, Reading};
use super::expect::{Expectations, Verdict, judge, read};

/// For whoever reaches the port for load balancers: no names.
pub(super) async fn short(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let now = (app.clock)();
    let registered = app.environments.now();
    let summary = document::summary(&app.readings(&registered, now));
    answer(&summary, query)
}

/// For operators.
pub(super) async fn whole(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let now = (app.clock)();
    let registered = app.environments.now();
    let (readings, roster) = (app.readings(&registered, now), app.roster.facts());
    answer(&document::whole(&readings, &roster), query)
}

/// One environment by its name, or else by LaunchDarkly's ID.
pub(super) async fn by_name(
    State(app): State<App>,
    Path(wanted): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let named = |it: &Reading<'_>| *it.info.name == *wanted;
    let with_id = |it: &Reading<'_>| it.environment_id() == Some(&wanted);
    alone(&app, query, &[&named, &with_id])
}

/// One environment by the keys of its project and itself; where its own is not set, that is its name, as for webhooks.
pub(super) async fn by_keys(
    State(app): State<App>,
    Path((project, environment)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let has_keys = |it: &Reading<'_>| {
        let key = it.info.environment_key.as_deref();
        it.info.project.as_deref() == Some(&project) && key.unwrap_or(&it.info.name) == environment
    };
    alone(&app, query, &[&has_keys])
}

/// The first environment that is meant by the first of these ways in which one is.
fn alone(app: &App, query: Option<String>, ways: &[&dyn Fn(&Reading<'_>) -> bool]) -> Response {
    let now = (app.clock)();
    let registered = app.environments.now();
    let readings = app.readings(&registered, now);
    let found = ways
        .iter()
        .find_map(|is_meant| readings.iter().find(|it| is_meant(it)));
    match found {
        Some(reading) => answer(&document::environment(reading), query),
        None if app.roster.facts().known => {
            (StatusCode::NOT_FOUND, "no such environment\n").into_response()
        }
        None => {
            let text = "it is not known yet which environments there are: ask again\n";
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

/// The document; or, where something is expected of it, whether that is so.
fn answer<D: Serialize + Outlined>(document: &D, query: Option<String>) -> Response {
    let verdict = match read(&query.unwrap_or_default()) {
        Expectations::Nothing => return Json(document).into_response(),
        Expectations::Unreadable(error) => Verdict::unreadable(error),
        Expectations::Clauses(clauses) => match serde_json::to_value(document) {
            Ok(value) => judge(clauses, D::OUTLINE, &value),
            Err(error) => {
                let text = format!("the status cannot be written: {error}\n");
                return (StatusCode::INTERNAL_SERVER_ERROR, text).into_response();
            }
        },
    };
    (verdict.code, Json(verdict)).into_response()
}
