//! A whole data set in place of whatever is there.
//!
//! Readers look on meanwhile, and it may end at any moment. So segments are put before the flags that use them, flags before
//! those that require them, and nothing is deleted before the new set stands; then flags go before the segments that they
//! used. The marker comes last. Rows that are as they should be already are not written: a reconnect that brings nothing
//! new costs a read of the table and no write.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use launchdarkly_server_sdk::{AllData, SerializedItem};

use crate::layout::{ITEM, KEY, Row, VERSION};
use crate::order::waves;
use crate::retry::Patience;
use crate::table::Table;
use crate::trouble::Trouble;
use crate::write::{self, Entry, Kind, prerequisites};

/// Writes under way at once.
const AT_ONCE: usize = 16;

/// What is to be done about a kind.
struct Difference {
    kind: Kind,
    puts: HashMap<String, Entry>,
    stale: Vec<String>,
}

pub(crate) async fn replace(
    table: &Table,
    said: AllData<SerializedItem, SerializedItem>,
) -> Result<(), Trouble> {
    let writer = Writer {
        table,
        patience: Patience::for_a_set(),
    };
    let segments = writer.compare(Kind::Segment, said.segments).await?;
    let flags = writer.compare(Kind::Flag, said.flags).await?;
    writer
        .put(Kind::Segment, segments.puts.into_iter().collect())
        .await?;
    let puts = flags.puts.into_iter().map(|(key, entry)| {
        let requires = prerequisites(&entry.text);
        (key, (entry, requires))
    });
    for wave in waves(puts.collect()) {
        writer.put(Kind::Flag, wave).await?;
    }
    writer.delete(flags.kind, flags.stale).await?;
    writer.delete(segments.kind, segments.stale).await?;
    writer.mark().await
}

struct Writer<'a> {
    table: &'a Table,
    patience: Patience,
}

impl Writer<'_> {
    /// What is said against what is there. An item that cannot be stored counts as there: its previous version stays.
    async fn compare(
        &self,
        kind: Kind,
        said: HashMap<String, SerializedItem>,
    ) -> Result<Difference, Trouble> {
        let namespace = self.table.namespace(kind);
        let keys: HashSet<String> = said.keys().cloned().collect();
        let mut puts = HashMap::new();
        for (key, item) in said {
            match write::entry(kind, namespace, &key, item) {
                Ok(entry) => drop(puts.insert(key, entry)),
                Err(unfit) => leave_out(kind, &key, &unfit),
            }
        }
        let (mut stale, mut after) = (Vec::new(), None);
        loop {
            let next = || self.table.page(namespace, after.clone());
            let page = self.patience.insist(next).await?;
            for row in &page.rows {
                let Some(Ok(key)) = row.get(KEY).map(|key| key.as_s()) else {
                    continue; // a row without its sort key cannot be
                };
                if !keys.contains(key) {
                    stale.push(key.clone());
                } else if puts.get(key).is_some_and(|entry| holds(row, entry)) {
                    puts.remove(key);
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(Difference { kind, puts, stale });
            }
        }
    }

    async fn put(&self, kind: Kind, entries: Vec<(String, Entry)>) -> Result<(), Trouble> {
        let puts = entries
            .into_iter()
            .map(|(key, entry)| self.put_one(kind, key, entry));
        all(puts).await
    }

    async fn put_one(&self, kind: Kind, key: String, entry: Entry) -> Result<(), Trouble> {
        let namespace = self.table.namespace(kind);
        tell_of_version(kind, &key, &entry);
        let attempt = || self.table.put(namespace, &key, &entry);
        match self.patience.insist(attempt).await {
            // The table has been read, so it is this item alone that DynamoDB does not take.
            Err(Trouble::Invalid(why)) => {
                leave_out(kind, &key, &why);
                Ok(())
            }
            done => done,
        }
    }

    async fn delete(&self, kind: Kind, keys: Vec<String>) -> Result<(), Trouble> {
        all(keys.into_iter().map(|key| self.delete_one(kind, key))).await
    }

    async fn delete_one(&self, kind: Kind, key: String) -> Result<(), Trouble> {
        let namespace = self.table.namespace(kind);
        let attempt = || self.table.delete(namespace, &key);
        self.patience.insist(attempt).await
    }

    async fn mark(&self) -> Result<(), Trouble> {
        let marker = &self.table.names.marker;
        let look = || self.table.get(marker, marker);
        if self.patience.insist(look).await?.is_some() {
            return Ok(());
        }
        let put = || self.table.put_marker();
        self.patience.insist(put).await
    }
}

/// A few at a time; the first that fails ends it.
async fn all(
    writes: impl Iterator<Item = impl Future<Output = Result<(), Trouble>>>,
) -> Result<(), Trouble> {
    let writes = stream::iter(writes).buffer_unordered(AT_ONCE);
    writes.try_collect().await
}

/// It is stored all the same: other readers can do with it.
pub(crate) fn tell_of_version(kind: Kind, key: &str, entry: &Entry) {
    if entry.is_beyond_32_bits() {
        log::warn!(
            "the {kind} {key:?} has version {}; the SDKs for Java and .NET read 32 bits, and lose all flags to a larger one",
            entry.version
        );
    }
}

fn leave_out(kind: Kind, key: &str, why: &dyn std::fmt::Display) {
    log::error!("the {kind} {key:?} is left out, its previous version stays: {why}");
}

/// Whether a row is just what would be written.
fn holds(row: &Row, entry: &Entry) -> bool {
    const ATTRIBUTES: usize = 4;
    let version = match row.get(VERSION) {
        Some(AttributeValue::N(version)) => version.parse() == Ok(entry.version),
        _ => false,
    };
    let text = matches!(row.get(ITEM), Some(AttributeValue::S(text)) if *text == entry.text);
    version && text && row.len() == ATTRIBUTES
}
