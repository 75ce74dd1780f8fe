//! A table in memory that keeps conditions as DynamoDB does, and in which others write.

use std::collections::{HashMap, HashSet};

use ld_dynamodb_relay::model::{Digest, ItemKey, Observed, Stamp, StoredVersion};
use ld_dynamodb_relay::plan::Write;
use tokio::time::Instant;

use crate::items::live;

/// A row and since when it is as it is.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) stamp: Stamp,
    pub(crate) since: Instant,
}

/// What the table holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    pub(crate) rows: HashMap<ItemKey, Row>,
    pub(crate) marker: bool,
    /// Rows that somebody else wrote since they were last looked at.
    pub(crate) touched: HashSet<ItemKey>,
    /// Requests that gave up waiting, and are still on their way.
    late: Vec<Write>,
}

/// What another writer does to a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rival {
    /// An SDK's or the Relay Proxy's upsert: only where the row is older.
    Upsert(u8),
    /// A full set of theirs: whatever is stored.
    Init(u8),
    /// Only where there is no row.
    PutIfAbsent(u8),
    /// By hand: other content, the version as it was.
    Alter(u8),
    /// By hand: a row without a usable version.
    Spoil(u8),
    Delete,
}

impl Store {
    /// Does a write if its condition holds; the row that is there otherwise.
    pub(crate) fn write(&mut self, write: &Write, now: Instant) -> Result<(), Option<Stamp>> {
        let (key, seen, stamp) = match write {
            Write::MarkInitialized => {
                self.marker = true;
                return Ok(());
            }
            Write::Put(key, item, seen) => (key, seen.as_ref(), Some(Stamp::of(item))),
            Write::Remove(key, seen) => (key, Some(seen), None),
        };
        let found = self.rows.get(key).map(|row| &row.stamp);
        let holds = match (seen.map(|seen| &seen.version), found) {
            (None, found) => found.is_none(),
            // `attribute_not_exists` holds for a row that is not there, too.
            (Some(StoredVersion::Missing), None) => true,
            (Some(_), None) => false,
            (Some(seen), Some(found)) => *seen == found.version,
        };
        if !holds {
            return Err(found.cloned());
        }
        match stamp {
            Some(stamp) => {
                let row = Row { stamp, since: now };
                self.rows.insert(key.clone(), row);
            }
            None => drop(self.rows.remove(key)),
        }
        Ok(())
    }

    /// A request that will be done after its sender has given up.
    pub(crate) fn delay(&mut self, write: Write) {
        self.late.push(write);
    }

    /// What was on its way arrives.
    pub(crate) fn land(&mut self, now: Instant) {
        for write in std::mem::take(&mut self.late) {
            if self.write(&write, now).is_ok()
                && let Write::Put(key, ..) | Write::Remove(key, _) = write
            {
                self.touched.insert(key);
            }
        }
    }

    /// Somebody else writes.
    pub(crate) fn rival(&mut self, key: &ItemKey, act: Rival, now: Instant) {
        let version = self.rows.get(key).map(|row| row.stamp.version.clone());
        let item = |version: u8, salt| Stamp::of(&live(key, version.into(), salt));
        let stamp = match (act, version) {
            (Rival::Upsert(new) | Rival::PutIfAbsent(new), None) | (Rival::Init(new), _) => {
                item(new, 70)
            }
            (Rival::Upsert(new), Some(StoredVersion::Number(old))) if u64::from(new) > old => {
                item(new, 71)
            }
            (Rival::Alter(salt), Some(StoredVersion::Number(version))) => {
                let altered = live(key, version, 100 + salt);
                Stamp::of(&altered)
            }
            (Rival::Spoil(kind), _) => spoilt(kind),
            (Rival::Delete, Some(_)) => {
                self.rows.remove(key);
                self.touched.insert(key.clone());
                return;
            }
            _ => return,
        };
        if self.rows.get(key).is_none_or(|row| row.stamp != stamp) {
            self.rows.insert(key.clone(), Row { stamp, since: now });
            self.touched.insert(key.clone());
        }
    }

    /// What a reading of everything finds.
    pub(crate) fn read(&self) -> Observed {
        Observed {
            items: self
                .rows
                .iter()
                .map(|(key, row)| (key.clone(), row.stamp.clone()))
                .collect(),
            initialized: self.marker,
            environment_id: None,
        }
    }
}

/// A row that no writer of LaunchDarkly's would make.
fn spoilt(kind: u8) -> Stamp {
    let version = match kind % 4 {
        0 => StoredVersion::Missing,
        1 => StoredVersion::OddNumber("1.5".into()),
        2 => StoredVersion::Text("7".into()),
        _ => StoredVersion::Other("BOOL"),
    };
    Stamp {
        version,
        tombstone: false,
        digest: Digest::of_attributes([("item", 'S', &[kind][..])]),
    }
}
