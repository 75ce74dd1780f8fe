//! The roster as a value: it takes what is heard, and says what is to be done about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::destination::{Destination, Destinations, Templates};
use super::entry::EnvironmentEntry;
use super::message::{MalformedMessage, RosterMessage};
use super::removal_hold::RemovalHold;
use super::state::{AutoConfigErrorKind, AutoConfigStatus};
use super::step::{
    CacheOrder, Reconnection, RefusedEnvironment, RosterChange, RosterNews, RosterStep, WaitCurve,
};
use super::versions::{Precedence, Versions};

/// So many refused environments are named; of more, the rest is only logged.
pub const MAX_REFUSED: usize = 1_000;

/// One who is told to connect again at once more often than this waits, in milliseconds.
const RECONNECT_AT_ONCE_EACH_MS: u64 = 10_000;

/// Where what the roster says comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RosterOrigin {
    /// It says nothing yet.
    #[default]
    Nowhere,
    /// From the cache, which may lack environments.
    Cache,
    /// From LaunchDarkly, which has said everything.
    LaunchDarkly,
}

struct LiveEnvironment {
    entry: Arc<EnvironmentEntry>,
    /// None while it has none; then it is not served.
    destination: Option<Destination>,
}

/// What environments there are.
pub struct Roster {
    versions: Versions,
    live: BTreeMap<Arc<str>, LiveEnvironment>,
    destinations: Destinations,
    refused: BTreeMap<Arc<str>, String>,
    hold: RemovalHold,
    origin: RosterOrigin,
    status: AutoConfigStatus,
    /// How many connections were opened.
    connections: u64,
    is_open: bool,
    /// Whether the last event was malformed, and whether the last usable one had an unusable environment.
    was_malformed: bool,
    was_unusable: bool,
    /// When it was last told to connect again.
    reconnected_ms: Option<u64>,
}

impl Roster {
    /// Knows of no environment. `now_ms`, here and elsewhere: milliseconds since 1970.
    pub fn new(templates: Templates, now_ms: u64) -> Self {
        Self {
            versions: Versions::default(),
            live: BTreeMap::new(),
            destinations: Destinations::new(templates),
            refused: BTreeMap::new(),
            hold: RemovalHold::default(),
            origin: RosterOrigin::default(),
            status: AutoConfigStatus::new(now_ms),
            connections: 0,
            is_open: false,
            was_malformed: false,
            was_unusable: false,
            reconnected_ms: None,
        }
    }

    /// A connection is open: what is heard from now on comes from it. What an earlier one left out too is believed to be gone.
    pub fn opened(&mut self) {
        self.connections += 1;
        self.is_open = true;
    }

    /// The connection failed, or none came about. It removes no environment.
    pub fn failed(&mut self, kind: AutoConfigErrorKind, now_ms: u64) {
        self.is_open = false;
        self.status.failed(kind, now_ms);
    }

    /// We close.
    pub fn close(&mut self, now_ms: u64) {
        self.is_open = false;
        self.status.close(now_ms);
    }

    /// Takes an event.
    pub fn heed(
        &mut self,
        heard: Result<RosterMessage, MalformedMessage>,
        now_ms: u64,
    ) -> RosterStep {
        let mut step = RosterStep::default();
        let message = match heard {
            Ok(message) => message,
            Err(malformed) => {
                self.failed(AutoConfigErrorKind::InvalidData, now_ms);
                let curve = WaitCurve::of(std::mem::replace(&mut self.was_malformed, true));
                step.connection = Reconnection::Close(curve);
                step.news.push(RosterNews::Malformed(malformed));
                return step;
            }
        };
        self.was_malformed = false;
        if self.is_open {
            self.status.delivered(now_ms);
        }
        let unusable = match message {
            RosterMessage::Put(listed) => self.put(listed, now_ms, &mut step),
            RosterMessage::Patch(id, entry) => self.describe(&id, *entry, &mut step),
            RosterMessage::Delete { id, version } => {
                self.delete(&id, version, &mut step);
                false
            }
            RosterMessage::Reconnect => {
                step.connection = self.reconnect(now_ms);
                false
            }
            RosterMessage::Ignored(ignored) => {
                step.news.push(RosterNews::Ignored(ignored));
                false
            }
        };
        let was_unusable = std::mem::replace(&mut self.was_unusable, unusable);
        if unusable && step.connection == Reconnection::Stay {
            step.connection = Reconnection::Repeat(WaitCurve::of(was_unusable));
        }
        step
    }

    /// Takes what the cache holds. It is void once LaunchDarkly has said everything; it removes nothing and may be partial.
    pub fn heed_cache(&mut self, rows: Vec<EnvironmentEntry>) -> RosterStep {
        let mut step = RosterStep::default();
        if self.origin == RosterOrigin::LaunchDarkly {
            return step;
        }
        for entry in rows {
            let id = Arc::clone(&entry.id);
            self.describe(&id, entry, &mut step);
        }
        if !self.live.is_empty() {
            self.origin = RosterOrigin::Cache;
        }
        step.cache.clear();
        step
    }

    /// An operator wants the removals done that are held, and says how many they are. Otherwise the error says how many.
    pub fn confirm_removals(&mut self, count: usize) -> Result<RosterStep, usize> {
        let confirmed = self.hold.confirm(count).ok_or(self.hold.count())?;
        let mut step = RosterStep::default();
        self.remove_all(confirmed, &mut step);
        Ok(step)
    }

    fn reconnect(&mut self, now_ms: u64) -> Reconnection {
        let last = self.reconnected_ms.replace(now_ms);
        let is_soon = |last| now_ms.saturating_sub(last) < RECONNECT_AT_ONCE_EACH_MS;
        if last.is_some_and(is_soon) {
            Reconnection::Close(WaitCurve::Normal)
        } else {
            Reconnection::AtOnce
        }
    }

    /// Returns whether an environment in it is unusable.
    fn put(
        &mut self,
        listed: BTreeMap<Arc<str>, EnvironmentEntry>,
        now_ms: u64,
        step: &mut RosterStep,
    ) -> bool {
        self.origin = RosterOrigin::LaunchDarkly;
        let had: BTreeSet<_> = self.live.keys().cloned().collect();
        let ids: BTreeSet<_> = listed.keys().cloned().collect();
        let mut unusable = false;
        for (id, entry) in listed {
            unusable |= self.describe(&id, entry, step);
        }
        self.versions.keep_tombstones(|id| ids.contains(id));
        self.refused
            .retain(|id, _| ids.contains(id) || had.contains(id));
        let omitted = had.difference(&ids).cloned().collect();
        let believed = self
            .hold
            .judge(omitted, had.len(), self.connections, now_ms);
        self.remove_all(believed, step);
        match self.hold.count() {
            0 => step.cache.push(CacheOrder::DeleteUnlisted),
            removals => {
                step.connection = Reconnection::RepeatAfter(self.hold.rest(now_ms));
                let of = had.len();
                step.news.push(RosterNews::Held { removals, of });
            }
        }
        unusable
    }

    /// Takes a description that is listed under this ID. Returns whether it is unusable; then nothing but that is
    /// remembered, so that a corrected one of the same version counts.
    fn describe(&mut self, id: &Arc<str>, entry: EnvironmentEntry, step: &mut RosterStep) -> bool {
        let precedence = self.versions.judge(id, entry.version);
        if precedence == Precedence::Late {
            return false;
        }
        self.hold.release(id);
        if precedence == Precedence::Current {
            // What could not be used is said no more; one without a destination still has none.
            if self.is_served(id) {
                self.refused.remove(id);
            }
            return false;
        }
        if let Err(fault) = entry.check(id) {
            self.refuse(id, &fault.to_string(), step);
            return true;
        }
        self.refused.remove(id);
        self.versions.live(id, entry.version);
        step.cache.push(CacheOrder::Put(Arc::clone(id)));
        let entry = Arc::new(entry);
        let former = self.live.remove(id);
        let destination = former.as_ref().and_then(|it| it.destination.clone());
        let is_placed = destination.is_some();
        let live = LiveEnvironment {
            entry: Arc::clone(&entry),
            destination,
        };
        self.live.insert(Arc::clone(id), live);
        match former {
            Some(former) if is_placed => {
                if let Some(elsewhere) = self.destinations.moved(&entry) {
                    let id = Arc::clone(id);
                    step.news.push(RosterNews::NotMoved { id, elsewhere });
                }
                let difference = entry.difference(&former.entry);
                step.changes
                    .push(RosterChange::Update { entry, difference });
            }
            _ => self.place(id, step),
        }
        false
    }

    fn delete(&mut self, id: &Arc<str>, version: u64, step: &mut RosterStep) {
        if self.versions.delete(id, version) {
            let id = Arc::clone(id);
            self.take_away(id, step);
            self.place_those_that_wait(step);
        } else if !self.live.contains_key(id) {
            self.refused.remove(id);
            step.cache.push(CacheOrder::Delete(Arc::clone(id)));
        }
    }

    fn remove_all(&mut self, ids: BTreeSet<Arc<str>>, step: &mut RosterStep) {
        if ids.is_empty() {
            return;
        }
        for id in ids {
            self.versions.forget(&id);
            self.take_away(id, step);
        }
        self.place_those_that_wait(step);
    }

    fn take_away(&mut self, id: Arc<str>, step: &mut RosterStep) {
        self.hold.release(&id);
        self.refused.remove(&id);
        self.destinations.release(&id);
        step.cache.push(CacheOrder::Delete(Arc::clone(&id)));
        let was_served = self.is_served(&id);
        self.live.remove(&id);
        if was_served {
            step.changes.push(RosterChange::Remove(id));
        }
    }

    /// Gives it a destination, if there is one for it.
    fn place(&mut self, id: &Arc<str>, step: &mut RosterStep) {
        let Some(live) = self.live.get_mut(id) else {
            return;
        };
        match self.destinations.claim(&live.entry) {
            Ok(destination) => {
                live.destination = Some(destination.clone());
                let entry = Arc::clone(&live.entry);
                self.refused.remove(id);
                step.changes.push(RosterChange::Add { entry, destination });
            }
            Err(fault) => self.refuse(id, &fault.to_string(), step),
        }
    }

    fn place_those_that_wait(&mut self, step: &mut RosterStep) {
        let waiting = self.live.iter().filter(|(_, it)| it.destination.is_none());
        let waiting: Vec<_> = waiting.map(|(id, _)| Arc::clone(id)).collect();
        for id in waiting {
            self.place(&id, step);
        }
    }

    fn refuse(&mut self, id: &Arc<str>, reason: &str, step: &mut RosterStep) {
        let before = self.refused.get(id);
        if before.is_none_or(|it| it != reason) {
            let refused = self.refused_environment(id, reason);
            step.news.push(RosterNews::Refused(refused));
        }
        if before.is_some() || self.refused.len() < MAX_REFUSED {
            self.refused.insert(Arc::clone(id), reason.to_owned());
        }
    }

    fn refused_environment(&self, id: &Arc<str>, reason: &str) -> RefusedEnvironment {
        RefusedEnvironment {
            id: Arc::clone(id),
            reason: reason.to_owned(),
            serving: self.is_served(id),
        }
    }

    fn is_served(&self, id: &str) -> bool {
        let live = self.live.get(id);
        live.is_some_and(|it| it.destination.is_some())
    }
}

// What it says.
impl Roster {
    /// How auto-configuration is doing.
    pub const fn status(&self) -> AutoConfigStatus {
        self.status
    }

    /// Where what it says comes from.
    pub const fn origin(&self) -> RosterOrigin {
        self.origin
    }

    /// The environments that are served, with where they go, in the order of their IDs.
    pub fn served(&self) -> impl Iterator<Item = (&Arc<EnvironmentEntry>, &Destination)> {
        let live = self.live.values();
        live.filter_map(|it| Some((&it.entry, it.destination.as_ref()?)))
    }

    /// The description that holds of this environment, served or not.
    pub fn entry(&self, id: &str) -> Option<&Arc<EnvironmentEntry>> {
        self.live.get(id).map(|it| &it.entry)
    }

    /// Whether it is one of ours, or is listed and cannot be used.
    pub fn is_listed(&self, id: &str) -> bool {
        self.live.contains_key(id) || self.refused.contains_key(id)
    }

    /// The IDs of all of which that is so.
    pub fn listed(&self) -> impl Iterator<Item = &Arc<str>> {
        self.live.keys().chain(self.refused.keys())
    }

    /// The environments whose description cannot be used, in the order of their IDs.
    pub fn refused(&self) -> impl Iterator<Item = RefusedEnvironment> {
        let refused = self.refused.iter();
        refused.map(|(id, reason)| self.refused_environment(id, reason))
    }

    /// How many removals are held; what an operator confirms.
    pub fn held_removals(&self) -> usize {
        self.hold.count()
    }
}
