//! A table in memory that keeps conditions as DynamoDB does, that refuses and loses answers, and in which others write.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use ld_dynamodb_relay::model::{Digest, ItemKey, Kind, Stamp, StoredVersion};
use ld_dynamodb_relay::plan::Write;
use ld_dynamodb_relay::table::{Outcome, PageCursor, PageRows, Read, Trouble, Vouchers};
use ld_dynamodb_relay::writer::{TableAnswer as Answer, TableRequest as Request};
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
    pub(crate) rows: BTreeMap<ItemKey, Row>,
    pub(crate) marker: bool,
    pub(crate) identity: Option<Arc<str>>,
    /// Rows that somebody else wrote since they were last looked at.
    pub(crate) touched: HashSet<ItemKey>,
    /// Rows that a page has at most.
    pub(crate) page_rows: usize,
    /// Writes that were done.
    pub(crate) written: usize,
    /// Requests that gave up waiting, and are still on their way.
    pub(crate) late: Vec<Write>,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Done,
    /// It is done, and the answer takes so long that the pass gives way.
    Slow,
    /// Throttled.
    Refused,
    /// Nothing was done, and the answer says so.
    Failed,
    /// Only an operator can mend it.
    Denied,
    /// DynamoDB takes it for invalid. Reads fail.
    Invalid,
    /// It was done; the answer is lost.
    LostAfter,
    /// It was not done; the answer is lost.
    LostBefore,
    /// The answer is lost, and it will be done later.
    Late,
    /// Somebody else writes the row just before.
    Raced(Rival),
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

fn timeout() -> Trouble {
    Trouble::Timeout("it")
}

impl Fate {
    fn trouble(self) -> Option<Trouble> {
        Some(match self {
            Self::Done | Self::Slow | Self::Raced(_) => return None,
            Self::Refused => Trouble::Throttled("it"),
            Self::Failed | Self::Invalid => Trouble::Other("it", "OddException".into()),
            Self::Denied => Trouble::NoRegion("it"),
            Self::LostAfter | Self::LostBefore | Self::Late => timeout(),
        })
    }
}

impl Store {
    /// Answers a request; what it costs is one unit.
    pub(crate) fn ask(&mut self, request: Request, fate: Fate, now: Instant) -> Answer {
        match request {
            Request::Write(write) => {
                let outcome = self.write_with(&write, fate, now);
                Answer::Written(write, outcome, 1.0)
            }
            Request::Row(key) => {
                let read = match fate.trouble() {
                    Some(trouble) => Err(trouble),
                    None => Ok(Read {
                        value: self.rows.get(&key).map(|row| row.stamp.clone()),
                        units: 1.0,
                    }),
                };
                if read.is_ok() {
                    self.touched.remove(&key);
                }
                Answer::Row(key, read)
            }
            Request::Vouchers { identity } => Answer::Vouchers(match fate.trouble() {
                Some(trouble) => Err(trouble),
                None => Ok(Vouchers {
                    initialized: self.marker,
                    environment_id: self.identity.clone().filter(|_| identity),
                    marker_units: 1.0,
                    identity_units: 1.0,
                }),
            }),
            Request::Page(cursor) => Answer::Page(match fate.trouble() {
                Some(trouble) => Err(trouble),
                None => Ok(self.page(&cursor)),
            }),
            Request::Remember { id, before } => {
                let arrives = fate.trouble().is_none() || matches!(fate, Fate::LostAfter);
                let applied = arrives && self.identity == before;
                if applied {
                    self.identity = Some(Arc::clone(&id));
                }
                let outcome = match fate.trouble() {
                    Some(trouble @ Trouble::Throttled(_)) => Outcome::Refused(trouble),
                    Some(trouble @ Trouble::Timeout(_)) => Outcome::Unknown(trouble),
                    Some(trouble) => Outcome::Failed(trouble),
                    None if applied => Outcome::Applied,
                    None => Outcome::Superseded(None),
                };
                Answer::Remembered(id, outcome, 1.0)
            }
        }
    }

    fn page(&mut self, cursor: &PageCursor) -> Read<PageRows> {
        let most = cursor.rows.map_or(usize::MAX, |rows| rows as usize);
        let most = most.min(self.page_rows.max(1));
        let after = cursor.after.as_deref();
        let of_kind = self.rows.iter().filter(|(key, _)| key.kind == cursor.kind);
        let mut rest = of_kind.filter(|(key, _)| after.is_none_or(|after| *key.key > *after));
        let rows: Vec<_> = rest
            .by_ref()
            .take(most)
            .map(|(key, row)| (Arc::clone(&key.key), row.stamp.clone()))
            .collect();
        let last = rest.next().and(rows.last()).map(|(key, _)| Arc::clone(key));
        let from = cursor.after.clone();
        let speaks_for = |key: &ItemKey, kind: Kind| {
            key.kind == kind
                && from.as_ref().is_none_or(|from| key.key > *from)
                && last.as_ref().is_none_or(|last| key.key <= *last)
        };
        self.touched.retain(|key| !speaks_for(key, cursor.kind));
        Read {
            value: PageRows { rows, last },
            units: 1.0,
        }
    }

    fn write_with(&mut self, write: &Write, fate: Fate, now: Instant) -> Outcome {
        match fate {
            Fate::Refused => return Outcome::Refused(Trouble::Throttled("it")),
            Fate::Failed => return Outcome::Failed(Trouble::Other("it", "OddException".into())),
            Fate::Denied => return Outcome::Failed(Trouble::NoRegion("it")),
            Fate::Invalid => return Outcome::Invalid(Trouble::Invalid("it")),
            Fate::LostBefore => return Outcome::Unknown(timeout()),
            Fate::LostAfter => {
                drop(self.write(write, now));
                return Outcome::Unknown(timeout());
            }
            Fate::Late => {
                self.late.push(write.clone());
                return Outcome::Unknown(timeout());
            }
            Fate::Raced(act) => {
                if let Some(key) = write.key() {
                    self.rival(key, act, now);
                }
            }
            Fate::Done | Fate::Slow => {}
        }
        if let Some(key) = write.key() {
            self.touched.remove(key);
        }
        match self.write(write, now) {
            Ok(()) => Outcome::Applied,
            Err(row) => Outcome::Superseded(row),
        }
    }

    /// Does a write if its condition holds; the row that is there otherwise.
    pub(crate) fn write(&mut self, write: &Write, now: Instant) -> Result<(), Option<Stamp>> {
        let (key, seen, stamp) = match write {
            Write::MarkInitialized => {
                self.marker = true;
                self.written += 1;
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
        self.written += 1;
        match stamp {
            Some(stamp) => {
                let row = Row { stamp, since: now };
                self.rows.insert(key.clone(), row);
            }
            None => drop(self.rows.remove(key)),
        }
        Ok(())
    }

    /// What was on its way arrives.
    pub(crate) fn land(&mut self, now: Instant) {
        for write in std::mem::take(&mut self.late) {
            if self.write(&write, now).is_ok()
                && let Some(key) = write.key()
            {
                self.touched.insert(key.clone());
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

    /// Somebody empties it.
    pub(crate) fn empty(&mut self) {
        self.touched.extend(self.rows.keys().cloned());
        self.rows.clear();
        self.marker = false;
        self.identity = None;
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
        bare: false,
        digest: Digest::of_attributes([("item", 'S', &[kind][..])]),
    }
}
