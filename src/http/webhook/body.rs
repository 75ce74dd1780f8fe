//! A body from whoever likes to send one: so much of it, for so long, and so many large ones at a time.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use futures_util::StreamExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// The largest body that is looked at.
const MAX_BYTES: usize = 1024 * 1024;
/// What is read and thrown away of a larger one: a client that is answered while it sends would see its connection
/// reset instead of the answer.
const MAX_DISCARDED_BYTES: usize = 8 * 1024 * 1024;
/// More than this has to wait for room. LaunchDarkly's bodies mostly have less, so neither a flood of them nor somebody who
/// sends slowly makes one wait; the port's connections bound how many there are.
pub(super) const SMALL_BYTES: usize = 64 * 1024;
/// Bodies with more than that at a time.
const LARGE_AT_A_TIME: usize = 32;

/// Room for large bodies.
pub(super) struct Room(Semaphore);

impl Default for Room {
    fn default() -> Self {
        Self(Semaphore::new(LARGE_AT_A_TIME))
    }
}

/// A whole body, and the room that it takes.
pub(super) struct Collected<'a> {
    pub(super) bytes: Vec<u8>,
    room: Option<SemaphorePermit<'a>>,
}

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is larger than we look at.
    TooLarge,
    /// It did not come in time, or broke off.
    TooSlow,
    /// It is large, and others had the room all the time.
    NoRoom,
}

/// All of it, if it is small enough and here within this time.
pub(super) async fn collect(
    body: Body,
    room: &Room,
    within: Duration,
) -> Result<Collected<'_>, Unusable> {
    let mut collecting = Collecting {
        kept: Collected {
            bytes: Vec::new(),
            room: None,
        },
        // What it says itself is enough to turn it away.
        late: if body.size_hint().lower() > MAX_BYTES as u64 {
            Unusable::TooLarge
        } else {
            Unusable::TooSlow
        },
    };
    let mut chunks = body.into_data_stream();
    match timeout(within, collecting.fill(&mut chunks, room)).await {
        Ok(Ok(())) => Ok(collecting.kept),
        Ok(Err(unusable)) => Err(unusable),
        Err(_) => Err(collecting.late),
    }
}

struct Collecting<'a> {
    kept: Collected<'a>,
    /// What it is if the time is over now.
    late: Unusable,
}

impl<'a> Collecting<'a> {
    async fn fill(&mut self, chunks: &mut BodyDataStream, room: &'a Room) -> Result<(), Unusable> {
        while self.late != Unusable::TooLarge {
            let Some(chunk) = chunks.next().await else {
                return Ok(());
            };
            let chunk = chunk.map_err(|_| Unusable::TooSlow)?;
            let bytes = self.kept.bytes.len() + chunk.len();
            if bytes > MAX_BYTES {
                self.late = Unusable::TooLarge;
            } else {
                if bytes > SMALL_BYTES && self.kept.room.is_none() {
                    self.late = Unusable::NoRoom;
                    self.kept.room = room.0.acquire().await.ok();
                    self.late = Unusable::TooSlow;
                }
                self.kept.bytes.extend_from_slice(&chunk);
            }
        }
        (self.kept.bytes, self.kept.room) = (Vec::new(), None);
        discard(chunks).await;
        Err(Unusable::TooLarge)
    }
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
