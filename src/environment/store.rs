//! Carries out what the writing half asks of its table.

use crate::plan::Write;
use crate::table::Table;
use crate::writer::{TableAnswer, TableRequest};

/// Where an environment's rows are: DynamoDB, or what a test has in its place.
pub trait RowStore: Clone + Send + Sync + 'static {
    /// Sends one request and awaits its answer.
    fn ask(&self, request: TableRequest) -> impl Future<Output = TableAnswer> + Send;
}

impl RowStore for Table {
    async fn ask(&self, request: TableRequest) -> TableAnswer {
        match request {
            TableRequest::Write(write) => {
                let (outcome, units) = match &write {
                    Write::Put(key, item, seen) => self.put(key, item, seen.as_ref()).await,
                    Write::Remove(key, seen) => self.remove(key, seen).await,
                    Write::MarkInitialized => self.mark_initialized().await,
                };
                TableAnswer::Written(write, outcome, units)
            }
            // Boxed, as each is rare, and every write's place in memory would be larger for it.
            TableRequest::Row(key) => {
                let read = Box::pin(self.read(&key)).await;
                TableAnswer::Row(key, read)
            }
            TableRequest::Vouchers { identity } => {
                TableAnswer::Vouchers(Box::pin(self.vouchers(identity)).await)
            }
            TableRequest::Page(cursor) => TableAnswer::Page(Box::pin(self.page(&cursor)).await),
            TableRequest::Remember { id, before } => {
                let (outcome, units) =
                    Box::pin(self.remember_identity(&id, before.as_deref())).await;
                TableAnswer::Remembered(id, outcome, units)
            }
        }
    }
}
