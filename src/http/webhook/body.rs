//! A body from whoever likes to send one: so much of it, and for so long.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt as _;
use tokio::time::timeout;

/// The largest body that is looked at.
const MAX_BYTES: usize = 1024 * 1024;
/// What is read and thrown away of a larger one: a client that is answered while it sends would see its connection
/// reset instead of the answer.
const MAX_DISCARDED_BYTES: usize = 8 * 1024 * 1024;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is larger than we look at.
    TooLarge,
    /// It did not come in time, or broke off.
    TooSlow,
}

/// All of it, if it is small enough and here within this time.
pub(super) async fn collect(body: Body, within: Duration) -> Result<Vec<u8>, Unusable> {
    let mut kept = Vec::new();
    let mut chunks = body.into_data_stream();
    match timeout(within, fill(&mut kept, &mut chunks)).await {
        Ok(Ok(())) => Ok(kept),
        Ok(Err(unusable)) => Err(unusable),
        // What is too large is so also if it does not end in time.
        Err(_) if kept.len() > MAX_BYTES => Err(Unusable::TooLarge),
        Err(_) => Err(Unusable::TooSlow),
    }
}

async fn fill(kept: &mut Vec<u8>, chunks: &mut BodyDataStream) -> Result<(), Unusable> {
    while let Some(chunk) = chunks.next().await {
        kept.extend_from_slice(&chunk.map_err(|_| Unusable::TooSlow)?);
        if kept.len() > MAX_BYTES {
            discard(chunks).await;
            return Err(Unusable::TooLarge);
        }
    }
    Ok(())
}

async fn discard(chunks: &mut BodyDataStream) {
    let mut discarded = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        discarded += chunk.len();
        if discarded > MAX_DISCARDED_BYTES {
            return;
        }
    }
}
