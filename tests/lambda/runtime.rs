//! Lambda's side of the interface of its runtimes: what `AWS_LAMBDA_RUNTIME_API` leads to.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

/// More than tests send before they ask for answers.
const WAITING: usize = 64;

/// Takes events and gives answers. Ends when it is dropped.
pub(crate) struct Runtime {
    /// What a function is told: host and port.
    pub(crate) address: String,
    events: mpsc::Sender<Value>,
    answers: mpsc::Receiver<Result<Value, String>>,
    _server: JoinSet<()>,
}

struct Shared {
    events: Mutex<mpsc::Receiver<Value>>,
    answers: mpsc::Sender<Result<Value, String>>,
}

impl Runtime {
    pub(crate) async fn start() -> Self {
        let (events, waiting) = mpsc::channel(WAITING);
        let (sender, answers) = mpsc::channel(WAITING);
        let shared = Shared {
            events: Mutex::new(waiting),
            answers: sender,
        };
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(response),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .route("/2018-06-01/runtime/init/error", post(failed))
            .with_state(Arc::new(shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, routes).await.unwrap() });
        Self {
            address,
            events,
            answers,
            _server: server,
        }
    }

    /// Invokes the function, now or when it asks.
    pub(crate) async fn send(&self, event: Value) {
        self.events.send(event).await.unwrap();
    }

    /// What it answered, or the error that it reported.
    pub(crate) async fn answer(&mut self) -> Result<Value, String> {
        self.answers.recv().await.unwrap()
    }
}

/// Stays open until there is an event, as Lambda's does.
async fn next(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let event = shared.events.lock().await.recv().await;
    let about = [
        (
            "Lambda-Runtime-Aws-Request-Id",
            "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        ),
        ("Lambda-Runtime-Deadline-Ms", "4102444800000"),
        (
            "Lambda-Runtime-Invoked-Function-Arn",
            "arn:aws:lambda:us-east-1:123456789012:function:flags",
        ),
        (
            "Lambda-Runtime-Trace-Id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
        ),
        ("Content-Type", "application/json"),
    ];
    (about, event.unwrap_or_default().to_string())
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(_id): Path<String>,
    body: String,
) -> StatusCode {
    let answer = serde_json::from_str(&body).map_err(|error| format!("{error}: {body}"));
    told(&shared, answer).await
}

async fn failed(State(shared): State<Arc<Shared>>, body: String) -> StatusCode {
    told(&shared, Err(body)).await
}

async fn told(shared: &Shared, answer: Result<Value, String>) -> StatusCode {
    match shared.answers.send(answer).await {
        Ok(()) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::GONE,
    }
}
