//! Answers that grow with the number of environments: a few are held at a time, or slow readers would fill the memory.

use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};
use tokio::sync::Semaphore;

/// So many are made or read at a time, of all kinds together.
const MOST: usize = 8;

/// Room for so many answers.
#[derive(Clone)]
pub(super) struct Few(Arc<Semaphore>);

impl Few {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }
}

/// Has an answer made if there is room, which it keeps until it is read or its reader is gone.
pub(super) async fn a_few_at_a_time(
    State(Few(room)): State<Few>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(slot) = room.try_acquire_owned() else {
        let text = "too many answers are being read: ask again\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    let (mut parts, body) = next.run(request).await.into_parts();
    if let Some(length) = body.size_hint().exact() {
        // A body that is handed on in chunks no longer says so itself.
        parts.headers.insert(header::CONTENT_LENGTH, length.into());
    }
    let held = (body.into_data_stream(), slot);
    let body = stream::unfold(held, async |(mut chunks, slot)| {
        Some((chunks.next().await?, (chunks, slot)))
    });
    Response::from_parts(parts, Body::from_stream(body))
}
