//! LaunchDarkly's interface of a persistent store, over the table.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use launchdarkly_server_sdk::{
    AllData, DataKind, PersistentDataStore, PersistentStoreError, SerializedItem,
};

use crate::connect::{OPERATION, Place};
use crate::layout::KEY;
use crate::read;
use crate::replace::{replace, tell_of_version};
use crate::retry::{Patience, THROTTLED};
use crate::runner::Runner;
use crate::table::Table;
use crate::trouble::Trouble;
use crate::write::{self, Kind};

/// How long one row may take to be read: what the client takes at most, and a little for the way.
const READ: Duration = OPERATION.saturating_add(Duration::from_secs(1));
/// How long all rows may take.
const READ_ALL: Duration = Duration::from_secs(30);
/// A log line names no more keys than this.
const NAMED: usize = 5;

pub(crate) struct DynamoDbDataStore {
    runner: Runner,
    place: Arc<Place>,
}

impl DynamoDbDataStore {
    /// Begins to connect, and does not wait for it.
    pub(crate) fn start(place: Place) -> io::Result<Self> {
        let store = Self {
            runner: Runner::start()?,
            place: Arc::new(place),
        };
        let place = Arc::clone(&store.place);
        store.runner.begin(async move { drop(place.table().await) });
        Ok(store)
    }

    fn run<T, F>(
        &self,
        limit: Option<Duration>,
        request: impl FnOnce(Table) -> F + Send + 'static,
    ) -> Result<T, Trouble>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Trouble>> + Send,
    {
        let place = Arc::clone(&self.place);
        self.runner
            .run(limit, async move { request(place.table().await).await })
    }

    fn one(&self, kind: Kind, key: &str) -> Result<Option<SerializedItem>, PersistentStoreError> {
        let owned = key.to_owned();
        let row = self.run(Some(READ), move |table| async move {
            table.get(table.namespace(kind), &owned).await
        })?;
        row.as_ref().map(read::item).transpose().map_err(|fault| {
            PersistentStoreError::new(format!("the row of the {kind} {key:?} {fault}"))
        })
    }
}

impl PersistentDataStore for DynamoDbDataStore {
    fn init(
        &mut self,
        all_data: AllData<SerializedItem, SerializedItem>,
    ) -> Result<(), PersistentStoreError> {
        Ok(self.run(None, |table| async move { replace(&table, all_data).await })?)
    }

    fn flag(&self, key: &str) -> Result<Option<SerializedItem>, PersistentStoreError> {
        self.one(Kind::Flag, key)
    }

    fn segment(&self, key: &str) -> Result<Option<SerializedItem>, PersistentStoreError> {
        self.one(Kind::Segment, key)
    }

    /// What the SDK cannot read is left out: the SDK would give up all flags for it.
    fn all_flags(&self) -> Result<HashMap<String, SerializedItem>, PersistentStoreError> {
        let (flags, unreadable) = self.run(Some(READ_ALL), all_flags)?;
        if !unreadable.is_empty() {
            log::error!(
                "{} flags in DynamoDB cannot be read and are left out: {}",
                unreadable.len(),
                unreadable[..unreadable.len().min(NAMED)].join("; ")
            );
        }
        Ok(flags)
    }

    fn upsert(
        &mut self,
        kind: DataKind,
        key: &str,
        item: SerializedItem,
    ) -> Result<bool, PersistentStoreError> {
        let kind = Kind::from(&kind);
        let version = item.version;
        let owned = key.to_owned();
        // The SDK logs the error, so it is not logged here.
        self.run(None, move |table| async move {
            upsert(&table, kind, &owned, item).await
        })
        .map_err(|trouble| PersistentStoreError::new(not_stored(kind, key, version, &trouble)))
    }

    fn is_initialized(&self) -> bool {
        let marker = self.run(Some(READ), |table| async move {
            table.get(&table.names.marker, &table.names.marker).await
        });
        marker
            .inspect_err(|trouble| {
                log::warn!("whether flags are in DynamoDB is unknown: {trouble}");
            })
            .is_ok_and(|row| row.is_some())
    }
}

/// The flags that the SDK can read, and what is wrong with the others.
async fn all_flags(
    table: Table,
) -> Result<(HashMap<String, SerializedItem>, Vec<String>), Trouble> {
    let (mut flags, mut unreadable) = (HashMap::new(), Vec::new());
    let mut after = None;
    loop {
        let page = table.page(table.namespace(Kind::Flag), after).await?;
        for row in &page.rows {
            let Some(Ok(key)) = row.get(KEY).map(|key| key.as_s()) else {
                continue; // a row without its sort key cannot be
            };
            match read::flag(row) {
                Ok(item) => drop(flags.insert(key.clone(), item)),
                Err(fault) => unreadable.push(format!("{key:?} {fault}")),
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok((flags, unreadable));
        }
    }
}

/// Stores an item where there is none or an older one. What cannot be stored is left out, as the other SDKs' stores do it:
/// its previous version stays, and the log says so.
async fn upsert(
    table: &Table,
    kind: Kind,
    key: &str,
    item: SerializedItem,
) -> Result<bool, Trouble> {
    let namespace = table.namespace(kind);
    let entry = match write::entry(kind, namespace, key, item) {
        Ok(entry) => entry,
        Err(unfit) => {
            log::error!("the {kind} {key:?} is not stored, its previous version stays: {unfit}");
            return Ok(false);
        }
    };
    tell_of_version(kind, key, &entry);
    Patience::for_a_change()
        .insist(|| table.put_newer(namespace, key, &entry))
        .await
}

/// Which change is not in the table, why, and what follows.
fn not_stored(kind: Kind, key: &str, version: u64, trouble: &Trouble) -> String {
    const STAYS: &str = "its previous version stays until the SDK or another writer sends it again";
    match trouble {
        Trouble::Throttled(said) => format!(
            "version {version} of the {kind} {key:?} is not stored, for DynamoDB still throttled it after {THROTTLED:?}; {STAYS}; give the table more write capacity: {said}"
        ),
        Trouble::NoAnswer(said) => format!(
            "whether version {version} of the {kind} {key:?} is stored is unknown; if it is not, {STAYS}: {said}"
        ),
        Trouble::Invalid(said) | Trouble::Refused(said) => {
            format!("version {version} of the {kind} {key:?} is not stored; {STAYS}: {said}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_is_not_stored_and_what_follows() {
        let told = |trouble: fn(String) -> Trouble| {
            not_stored(Kind::Segment, "staff", 8, &trouble("PutItem: why".into()))
        };
        let what = "version 8 of the segment \"staff\" is";
        let stays = "its previous version stays until the SDK or another writer sends it again";
        let throttled = told(Trouble::Throttled);
        assert!(
            throttled.contains("still throttled it after 10s"),
            "{throttled}"
        );
        assert!(
            throttled.contains("give the table more write capacity"),
            "{throttled}"
        );
        let unknown = told(Trouble::NoAnswer);
        assert!(unknown.starts_with(&format!("whether {what} stored is unknown")));
        for said in [&throttled, &unknown, &told(Trouble::Refused)] {
            assert!(said.contains(what) && said.contains(stays), "{said}");
            assert!(said.ends_with(": PutItem: why"), "{said}");
        }
    }
}
