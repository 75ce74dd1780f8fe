//! Keeps the last good roster in the table, sealed as the Relay Proxy seals it, for a start without LaunchDarkly.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use crate::environment::Told;
use crate::model::{doubled, shortened};
use crate::roster::{
    CACHE_ROW_PREFIX, CacheKey, CacheOrder, CacheOutcome, CacheReading, EnvironmentEntry, Roster,
};
use crate::secrets::Kept;
use crate::table::CacheTable;

/// What failed is tried again after this time, doubling to [`RETRY_MAX`].
const RETRY: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_mins(1);

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct RosterCache(Arc<CacheState>);

struct CacheState {
    table: CacheTable,
    /// What rows are sealed with; none for the key of auto-configuration.
    encryption_key: Option<Kept>,
    auto_config_key: Kept,
    wanted: Mutex<WantedRows>,
    bell: Notify,
    /// What rows are known to hold.
    held: Mutex<HashMap<Arc<str>, Arc<EnvironmentEntry>>>,
}

/// What is to be done, the latest wish for each row: no more than there are rows.
#[derive(Default)]
struct WantedRows {
    /// By ID; none removes the row.
    rows: BTreeMap<Arc<str>, Option<Arc<EnvironmentEntry>>>,
    /// The rows of all others are to be removed.
    listed: Option<BTreeSet<Arc<str>>>,
    /// LaunchDarkly has said what there is: what was read before counts no more.
    said: bool,
    /// The row that was last tried: one that cannot be written keeps no other from it.
    tried: Option<Arc<str>>,
}

impl WantedRows {
    /// Takes the row after the one that was tried last.
    fn next(&mut self) -> Option<(Arc<str>, Option<Arc<EnvironmentEntry>>)> {
        let after = self.tried.take();
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.rows.range((after, Bound::Unbounded)).next();
        let id = next.or_else(|| self.rows.iter().next())?.0;
        let id = Arc::clone(id);
        self.tried = Some(Arc::clone(&id));
        self.rows.remove_entry(&id)
    }
}

impl RosterCache {
    /// Of these rows, sealed with one of these keys.
    pub fn new(table: CacheTable, encryption_key: Option<Kept>, auto_config_key: Kept) -> Self {
        Self(Arc::new(CacheState {
            table,
            encryption_key,
            auto_config_key,
            wanted: Mutex::default(),
            bell: Notify::new(),
            held: Mutex::default(),
        }))
    }

    /// Reads what there is, for so long at most.
    pub async fn read(&self, patience: Duration) -> (Vec<EnvironmentEntry>, CacheOutcome) {
        let unreadable = |detail: &str| {
            warn!(
                detail,
                "the auto-configuration cache cannot be read; waiting for LaunchDarkly"
            );
            (Vec::new(), CacheOutcome::Unreadable)
        };
        let read = async {
            // They may be kept where it takes a while to read them.
            self.keys_known().await;
            self.0.table.rows().await
        };
        let rows = match timeout(patience, read).await {
            Ok(Ok(rows)) => rows,
            Ok(Err(trouble)) => return unreadable(&trouble.to_string()),
            Err(_) => return unreadable("it was not read within INIT_TIMEOUT"),
        };
        let Some(key) = self.key() else {
            return unreadable("its encryption key cannot be used");
        };
        let rows = rows.iter().map(|(key, contents)| (&**key, &**contents));
        let reading = CacheReading::of(&key, rows);
        let outcome = reading.outcome();
        let skipped = reading.skipped.len();
        if let Some((row, fault)) = reading.skipped.first() {
            warn!(
                rows = skipped,
                detail = format!("{row}: {fault}"),
                "skipped rows of the auto-configuration cache"
            );
        }
        if !lock(&self.0.wanted).said {
            let mut held = lock(&self.0.held);
            for entry in &reading.entries {
                held.insert(Arc::clone(&entry.id), Arc::new(entry.clone()));
            }
        }
        info!(
            environments = reading.entries.len(),
            "read the auto-configuration cache"
        );
        (reading.entries, outcome)
    }

    /// Has this done by [`Self::run`], as the roster is now.
    pub fn order(&self, orders: &[CacheOrder], roster: &Roster) {
        if orders.is_empty() {
            return;
        }
        let mut wanted = lock(&self.0.wanted);
        for order in orders {
            match order {
                CacheOrder::Put(id) => {
                    let entry = roster.entry(id).cloned();
                    wanted.rows.insert(Arc::clone(id), entry);
                    // It came after the list that was to be all.
                    if let Some(listed) = &mut wanted.listed {
                        listed.insert(Arc::clone(id));
                    }
                }
                CacheOrder::Delete(id) => {
                    wanted.rows.insert(Arc::clone(id), None);
                }
                CacheOrder::DeleteUnlisted => {
                    wanted.listed = Some(roster.listed().cloned().collect());
                    wanted.said = true;
                }
            }
        }
        drop(wanted);
        self.0.bell.notify_one();
    }

    /// Does what is ordered, and tries again what fails, for ever.
    pub async fn run(&self) {
        let (mut told, mut failures) = (Told::default(), 0);
        loop {
            match self.work().await {
                Ok(true) => {
                    failures = 0;
                    if told.is_over() {
                        info!("the auto-configuration cache is written again");
                    }
                }
                Ok(false) => self.0.bell.notified().await,
                Err(detail) => {
                    failures += 1;
                    let wait = shortened(doubled(RETRY, failures, RETRY_MAX), rand::random());
                    let retry_in_milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                    if told.is_news(&detail, Instant::now()) {
                        warn!(
                            detail,
                            retry_in_milliseconds, "the auto-configuration cache cannot be written"
                        );
                    }
                    sleep(wait).await;
                }
            }
        }
    }

    /// Does one thing; false where there is nothing to do.
    async fn work(&self) -> Result<bool, String> {
        let next = lock(&self.0.wanted).next();
        if let Some((id, entry)) = next {
            let done = self.write(&id, entry.as_ref()).await;
            if done.is_err() {
                // Unless something newer is wanted by now.
                lock(&self.0.wanted).rows.entry(id).or_insert(entry);
            }
            return done.map(|()| true);
        }
        // It stays there meanwhile, so that who comes is listed too.
        let listed = lock(&self.0.wanted).listed.clone();
        let Some(listed) = listed else {
            return Ok(false);
        };
        self.remove_unlisted().await?;
        let mut wanted = lock(&self.0.wanted);
        if wanted.listed.as_ref() == Some(&listed) {
            wanted.listed = None;
        }
        Ok(true)
    }

    async fn write(
        &self,
        id: &Arc<str>,
        entry: Option<&Arc<EnvironmentEntry>>,
    ) -> Result<(), String> {
        let sort_key = format!("{CACHE_ROW_PREFIX}{id}");
        let Some(entry) = entry else {
            return self.remove(&sort_key, id).await;
        };
        let known = lock(&self.0.held).get(id).cloned();
        if known.is_some_and(|known| known.is_same_text(entry)) {
            return Ok(());
        }
        let key = self.key().ok_or("its encryption key is not known yet")?;
        let sealed = key
            .seal(entry, rand::random())
            .map_err(|it| it.to_string())?;
        self.0
            .table
            .put(&sort_key, sealed)
            .await
            .map_err(|it| it.to_string())?;
        debug!(
            environment = &**id,
            "stored an environment in the auto-configuration cache"
        );
        lock(&self.0.held).insert(Arc::clone(id), Arc::clone(entry));
        Ok(())
    }

    async fn remove_unlisted(&self) -> Result<(), String> {
        let rows = self.0.table.rows().await.map_err(|it| it.to_string())?;
        for (sort_key, _) in rows {
            let id = sort_key.strip_prefix(CACHE_ROW_PREFIX);
            // Of those that are listed by now.
            let is_unlisted = |id: &&str| {
                let wanted = lock(&self.0.wanted);
                let listed = wanted.listed.as_ref();
                listed.is_some_and(|listed| !listed.contains(*id))
            };
            if let Some(id) = id.filter(is_unlisted) {
                self.remove(&sort_key, id).await?;
            }
        }
        Ok(())
    }

    async fn remove(&self, sort_key: &str, id: &str) -> Result<(), String> {
        let removed = self.0.table.delete(sort_key).await;
        removed.map_err(|it| it.to_string())?;
        lock(&self.0.held).remove(id);
        Ok(())
    }

    async fn keys_known(&self) {
        self.0.auto_config_key.other_than(None).await;
        if let Some(own) = &self.0.encryption_key {
            own.other_than(None).await;
        }
    }

    fn key(&self) -> Option<CacheKey> {
        let own = match &self.0.encryption_key {
            Some(kept) => Some(kept.value()?),
            None => None,
        };
        CacheKey::new(own.as_ref(), &self.0.auto_config_key.value()?).ok()
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
