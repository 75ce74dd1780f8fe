//! From an HTTP request to an answer: count it, let what was injected go wrong, ask the partition for units, act.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use dynoxide::{Database, DynoxideError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::counts::{Counter, RequestOutcome};
use super::engine::{self, Operation};
use super::faults::{FaultEffect, Faults, StoreRefusal};
use super::limit::{Limits, Use};
use super::request::Request;
use crate::simulator::server::Link;

/// DynamoDB's limit for a request.
const MAX_BODY: usize = 16 << 20;
const JSON: &str = "application/x-amz-json-1.0";

pub(super) struct Front {
    pub(super) database: Database,
    pub(super) counter: Arc<Counter>,
    pub(super) faults: Arc<Faults>,
    pub(super) limits: Limits,
    pub(super) held: watch::Sender<bool>,
    pub(super) latency: Mutex<Duration>,
    said_throttling: AtomicBool,
}

impl Front {
    pub(super) fn new(database: Database) -> Arc<Self> {
        Arc::new(Self {
            database,
            counter: Arc::default(),
            faults: Arc::default(),
            limits: Limits::default(),
            held: watch::Sender::new(false),
            latency: Mutex::default(),
            said_throttling: AtomicBool::new(false),
        })
    }

    pub(super) fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .fallback(receive)
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(Arc::clone(self))
    }

    async fn answer(&self, operation: Operation, body: &[u8], link: &Link) -> Response {
        let mut ticket = self.counter.arrived(Request::read(operation, body));
        // The sender lives as long as we do.
        if self.held.subscribe().wait_for(|held| !held).await.is_err() {
            return link.cut_for_good().await;
        }

        let mut wait = *self.latency.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lose_answer = false;
        for effect in self.faults.strike(&ticket.request) {
            match effect {
                FaultEffect::DelayBefore(by) => sleep(by).await,
                FaultEffect::DelayAnswer(by) => wait += by,
                FaultEffect::LoseAnswer => lose_answer = true,
                FaultEffect::DropBeforeActing => {
                    drop(ticket);
                    return link.cut_for_good().await;
                }
                FaultEffect::Refuse(refusal) => {
                    ticket.outcome = if refusal.is_throttling() {
                        RequestOutcome::Throttled
                    } else {
                        RequestOutcome::Refused
                    };
                    return refused(&refusal);
                }
            }
        }
        if !self.admits(&ticket.request) {
            ticket.outcome = RequestOutcome::Throttled;
            sleep(wait).await;
            return refused(&self.throttled());
        }

        let done = engine::run(&self.database, operation, body);
        ticket.units = done.units;
        ticket.outcome = match &done.answer {
            Ok(_) => RequestOutcome::Accepted,
            Err(DynoxideError::ConditionalCheckFailedException(..)) => {
                RequestOutcome::ConditionFailed
            }
            Err(_) => RequestOutcome::Refused,
        };
        if let (Some(partition), Some(of)) = (ticket.request.partition(), use_of(operation)) {
            self.limits.take(&partition, of, done.units);
        }
        if !wait.is_zero() {
            sleep(wait).await;
        }
        if lose_answer {
            if ticket.outcome == RequestOutcome::Accepted {
                ticket.outcome = RequestOutcome::AnswerLost;
            }
            drop(ticket);
            return link.cut_for_good().await;
        }
        match done.answer {
            Ok(json) => respond(200, None, json),
            Err(error) => respond(
                error.status_code(),
                Some(error.error_type()),
                error.to_json(),
            ),
        }
    }

    fn admits(&self, request: &Request) -> bool {
        match (request.partition(), use_of(request.operation)) {
            (Some(partition), Some(of)) => self.limits.admits(&partition, of, Instant::now()),
            _ => true,
        }
    }

    /// The one and then the other, as AWS answers with either.
    fn throttled(&self) -> StoreRefusal {
        if self.said_throttling.fetch_xor(true, Ordering::Relaxed) {
            StoreRefusal::Throttling
        } else {
            StoreRefusal::ProvisionedThroughputExceeded
        }
    }
}

const fn use_of(operation: Operation) -> Option<Use> {
    if operation.writes() {
        Some(Use::Write)
    } else if operation.reads() {
        Some(Use::Read)
    } else {
        None
    }
}

async fn receive(
    State(front): State<Arc<Front>>,
    ConnectInfo(link): ConnectInfo<Link>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method == Method::GET {
        return "healthy: dynamodb.us-east-1.amazonaws.com ".into_response();
    }
    let operation = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .and_then(|target| target.strip_prefix("DynamoDB_20120810."))
        .and_then(Operation::named);
    match operation {
        Some(operation) => front.answer(operation, &body, &link).await,
        None => refused(&StoreRefusal::Other(
            400,
            "com.amazon.coral.service#UnknownOperationException".into(),
            "The simulator's store has no such operation".into(),
        )),
    }
}

fn refused(refusal: &StoreRefusal) -> Response {
    let (status, kind, message) = refusal.answer();
    let body = serde_json::json!({ "__type": kind, "message": message });
    respond(status, Some(kind), body.to_string())
}

fn respond(status: u16, error: Option<&str>, json: String) -> Response {
    // SDKs check the sum where there is one.
    let mut sum = flate2::Crc::new();
    sum.update(json.as_bytes());
    let mut response = Response::builder()
        .status(status)
        .header("content-type", JSON)
        .header("x-amz-crc32", sum.sum());
    if let Some(error) = error {
        response = response.header("x-amzn-errortype", error);
    }
    response
        .body(Body::from(json))
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
