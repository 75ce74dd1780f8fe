//! Carries out what the writing half asks of its table.

use crate::plan::Write;
use crate::table::Table;
use crate::writer::{Answer, Request};

/// Where an environment's rows are: DynamoDB, or what a test has in its place.
pub trait Store: Clone + Send + Sync + 'static {
    /// Sends one request and awaits its answer.
    fn ask(&self, request: Request) -> impl Future<Output = Answer> + Send;
}

impl Store for Table {
    async fn ask(&self, request: Request) -> Answer {
        match request {
            Request::Write(write) => {
                let (outcome, units) = match &write {
                    Write::Put(key, item, seen) => self.put(key, item, seen.as_ref()).await,
                    Write::Remove(key, seen) => self.remove(key, seen).await,
                    Write::MarkInitialized => self.mark_initialized().await,
                };
                Answer::Written(write, outcome, units)
            }
            Request::Row(key) => {
                let read = self.read(&key).await;
                Answer::Row(key, read)
            }
            Request::Vouchers { identity } => Answer::Vouchers(self.vouchers(identity).await),
            Request::Page(cursor) => Answer::Page(self.page(&cursor).await),
            Request::Remember { id, before } => {
                let (outcome, units) = self.remember_identity(&id, before.as_deref()).await;
                Answer::Remembered(id, outcome, units)
            }
        }
    }
}
