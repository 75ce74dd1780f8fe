//! The stream of one environment: what its events say.

use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use super::client::Client;
use super::events::{EventStream, StreamSignal};
use super::fdv1::{self, Said};
use super::signal::{Refusal, Signal};
use super::sse::Frame;

/// One connection. Ends with the first refusal; dropping it closes the connection.
pub struct StreamSession {
    /// When everything was asked for.
    pub asked: Instant,
    events: EventStream,
}

impl StreamSession {
    /// Begins to connect as the environment with this key.
    pub(super) fn open(client: &Client, key: &SecretString) -> Self {
        let events = EventStream::open(client, "/all", key);
        Self {
            asked: events.asked,
            events,
        }
    }

    /// The next thing that is told. May be dropped and called again without loss.
    pub async fn next(&mut self) -> Result<Signal, Refusal> {
        Ok(match self.events.next().await? {
            StreamSignal::Connected(greeting) => Signal::Connected(greeting),
            StreamSignal::Alive | StreamSignal::Frame(Frame::Comment, _) => Signal::Alive,
            StreamSignal::Frame(Frame::Retry(delay), _) => {
                Signal::RetryDelay(Duration::from_millis(delay))
            }
            StreamSignal::Frame(Frame::Event { name, data }, received) => {
                let said = fdv1::read(&name, &data)?;
                if matches!(said, Said::Full(_)) {
                    self.events.said_everything(received);
                }
                Signal::Said(said, received)
            }
        })
    }
}
