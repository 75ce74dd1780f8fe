//! The webhook: LaunchDarkly says that something changed. Nothing that a body says is stored; it only wakes environments.

mod body;
mod deduplicator;
mod delivery;
mod signers;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;

use super::App;
use crate::environment::{Control, Hint};
use crate::secrets::Kept;
use crate::webhook::{
    About, Addressee, Hook, Unreadable, WebhookResult, for_a_large_body, matching, read,
};
use body::{Room, SMALL_BYTES, Unusable};
use deduplicator::Deduplicator;
use delivery::{Delivery, Wake};

const SIGNATURE: &str = "x-ld-signature";
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Until then there is room again: whoever takes it was answered or too slow.
const RETRY_AFTER_SECONDS: u16 = 10;

/// What the webhook takes, and what it remembers.
pub struct Webhook {
    /// The secrets of every environment without its own.
    pub secrets: Vec<Kept>,
    /// What is dated longer ago wakes nobody.
    pub max_age: Duration,
    room: Room,
    deduplicator: Mutex<Deduplicator>,
}

impl Webhook {
    /// With these secrets for every environment without its own.
    pub fn new(secrets: Vec<Kept>, max_age: Duration) -> Self {
        Self {
            secrets,
            max_age,
            room: Room::default(),
            deduplicator: Mutex::default(),
        }
    }
}

type PathName = Result<Path<String>, PathRejection>;

/// Its paths, if there is a secret. There is no unsigned mode.
pub(super) fn routes(app: &App) -> Router<App> {
    let routes = Router::new();
    if !app.webhook_is_on() {
        return routes;
    }
    routes
        .route(
            "/webhook",
            post(async |State(app): State<App>, request: Request| {
                receive(&app, None, request).await
            }),
        )
        .route(
            "/webhook/{environment}",
            post(
                async |State(app): State<App>, name: PathName, request: Request| {
                    // A name that is no text is nobody's.
                    let name = name.map_or_else(|_| String::new(), |Path(name)| name);
                    receive(&app, Some(&name), request).await
                },
            ),
        )
}

/// Answers at once: what is woken does its work by itself.
async fn receive(app: &App, name: Option<&str>, request: Request) -> Response {
    let result = process(app, name, request).await;
    app.metrics.webhook(result);
    // Whoever reaches the port can send as many as they like: the metric counts them, and nobody can flood the log.
    tracing::debug!(result = result.label(), "webhook");
    answer(result)
}

async fn process(app: &App, name: Option<&str>, request: Request) -> WebhookResult {
    let (head, body) = request.into_parts();
    let collected = match body::collect(body, &app.webhook.room, BODY_TIMEOUT).await {
        Ok(collected) => collected,
        Err(Unusable::TooLarge) => return WebhookResult::TooLarge,
        Err(Unusable::TooSlow) => return WebhookResult::TooSlow,
        Err(Unusable::NoRoom) => return WebhookResult::Busy,
    };
    let body = &*collected.bytes;
    let mut signatures = head.headers.get_all(SIGNATURE).into_iter();
    let (Some(signature), None) = (signatures.next(), signatures.next()) else {
        return WebhookResult::Unsigned;
    };
    // Places are those in this list, whoever comes or goes meanwhile.
    let environments = &app.environments.now();
    let position = |name: &str| environments.iter().position(|it| *it.info.name == *name);
    let addressees: Vec<_> = environments.iter().map(|it| it.info.addressee()).collect();
    let mut secrets = signers::secrets(app, environments);
    let mut hook = None;
    let mut all_tried = true;
    if body.len() > SMALL_BYTES {
        let meant = match name {
            Some(name) => position(name).into_iter().collect(),
            // Not trusted yet: it only chooses which secrets are tried.
            None => named(hook.insert(read(body)), &addressees),
        };
        let every = secrets.len();
        secrets = for_a_large_body(secrets, &meant);
        // Those of the environment in the path are tried in any case.
        all_tried = name.is_some() || secrets.len() == every;
    }
    let Some(mut signed) = signers::signed(&secrets, body, signature.as_bytes()).await else {
        return if all_tried {
            WebhookResult::Unsigned
        } else {
            // One that was not tried may have signed it: nobody is to look for a wrong secret.
            WebhookResult::TooLarge
        };
    };
    if let Some(name) = name {
        match position(name) {
            Some(named) if signed.contains(&named) => signed = vec![named],
            Some(_) => return WebhookResult::Unsigned,
            None => return WebhookResult::UnknownEnvironment,
        }
    }
    let hook = hook.unwrap_or_else(|| read(body));
    let delivery = Delivery {
        addressees: &addressees,
        signed: &signed,
        is_named: name.is_some(),
        signature: signature.as_bytes(),
        max_age: app.webhook.max_age,
        now: (app.clock)(),
    };
    let (result, wakes) = {
        let deduplicator = app.webhook.deduplicator.lock();
        let mut deduplicator = deduplicator.unwrap_or_else(PoisonError::into_inner);
        delivery.deliver(hook, &mut deduplicator)
    };
    for wake in wakes {
        carry_out(&environments[wake.environment].control, wake);
    }
    result
}

/// The environments that a body names.
fn named(hook: &Result<Hook, Unreadable>, addressees: &[Addressee<'_>]) -> BTreeSet<usize> {
    let subjects = hook.iter().flat_map(|hook| &hook.subjects);
    subjects
        .flat_map(|subject| matching(subject, addressees))
        .collect()
}

fn carry_out(control: &Control, wake: Wake) {
    let item = match wake.about {
        About::Key => return control.key_reset(),
        About::Item(key) => Some(key),
        About::Everything => None,
    };
    control.hint(Hint {
        item,
        happened: wake.happened,
    });
}

/// Tells nobody which environments there are.
fn answer(result: WebhookResult) -> Response {
    let (status, text) = match result {
        WebhookResult::Woken
        | WebhookResult::Unreadable
        | WebhookResult::Unmatched
        | WebhookResult::Ignored
        | WebhookResult::Duplicate
        | WebhookResult::Late => (StatusCode::ACCEPTED, result.label()),
        WebhookResult::Unsigned => (
            StatusCode::UNAUTHORIZED,
            "not signed with the webhook's secret: give LaunchDarkly and this daemon the same one",
        ),
        WebhookResult::UnknownEnvironment => (StatusCode::NOT_FOUND, "no such environment"),
        WebhookResult::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than 1 MiB; or it is larger than 64 KiB and signed with none of the secrets that are tried for such a body: \
             have it sent to /webhook/<environment>",
        ),
        WebhookResult::TooSlow => (StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
        WebhookResult::Busy => (
            StatusCode::SERVICE_UNAVAILABLE,
            "too many large bodies at a time; send it again later",
        ),
    };
    let mut response = (status, format!("{text}\n")).into_response();
    if result == WebhookResult::Busy {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS.into());
    }
    response
}
