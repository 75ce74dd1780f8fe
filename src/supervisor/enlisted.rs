//! The environments that a roster names, whatever roster it is: each made, shown and given its keys.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{info, warn};

use super::assembler::Assembler;
use crate::clock;
use crate::config::{EnvironmentSettings, Secret, SourceKind};
use crate::environment::{Environment, EnvironmentSource};
use crate::model::doubled;
use crate::registry::{EnvironmentInfo, EnvironmentRegistry, RegisteredEnvironment};
use crate::roster::{Destination, EnvironmentEntry};
use crate::secrets::{Giver, Kept};
use crate::status::{Facts, SourcePhase};

/// An anchor that LaunchDarkly refuses is tried again after this time, where another key is used meanwhile.
const ANCHOR_AGAIN: Duration = Duration::from_mins(5);
/// It takes twice as long each time, and no longer than this.
const ANCHOR_AGAIN_MAX: Duration = Duration::from_hours(1);

/// See the module.
pub(super) struct Enlisted<'a> {
    assembler: Assembler<'a>,
    registry: EnvironmentRegistry,
    keys: HashMap<Arc<str>, OfferedKey>,
    /// Rung when LaunchDarkly refuses the key of any of them.
    pub(super) refused: Arc<Notify>,
}

/// The key that an environment has.
struct OfferedKey {
    giver: Giver,
    entry: Arc<EnvironmentEntry>,
    destination: Destination,
    given_at: Instant,
    /// So many of the other keys were given since the anchor was.
    tried: usize,
    /// So often running the anchor was given up.
    rounds: u32,
    /// It has another one than the anchor, which is tried again then.
    anchor_at: Option<Instant>,
}

impl<'a> Enlisted<'a> {
    pub(super) fn new(assembler: Assembler<'a>, registry: EnvironmentRegistry) -> Self {
        Self {
            assembler,
            registry,
            keys: HashMap::new(),
            refused: Arc::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// LaunchDarkly, heard so. Fails where no client can be made, which is a matter of the settings.
    pub(super) fn launchdarkly(&mut self, source: SourceKind) -> anyhow::Result<EnvironmentSource> {
        self.assembler.launchdarkly(source)
    }

    /// One more, with its data from there.
    pub(super) fn add(
        &mut self,
        entry: &Arc<EnvironmentEntry>,
        destination: Destination,
        source: EnvironmentSource,
        first_delay: Duration,
    ) -> Environment {
        let (giver, kept) = Kept::cell_ringing(Arc::clone(&self.refused));
        giver.give(entry.credentials.anchor().clone());
        let settings = settings(entry, &destination);
        let assembler = &self.assembler;
        let mut environment = assembler.environment_from(source, &settings, kept, first_delay);
        environment.launchdarkly_id = Some(Arc::clone(&entry.id));
        let names = [&*entry.names.project_name, &*entry.names.name];
        info!(
            environment = &*entry.id,
            detail = format!("{} goes to {destination}", names.join(" ")).trim_start(),
            "environment joined the roster"
        );
        let info = self.info(entry, &destination);
        self.registry
            .put(RegisteredEnvironment::of(&environment, info, Vec::new()));
        let offered = OfferedKey::new(giver, Arc::clone(entry), destination);
        self.keys.insert(Arc::clone(&entry.id), offered);
        environment
    }

    /// It is described otherwise: its names and keys are those from now on.
    pub(super) fn update(&mut self, entry: &Arc<EnvironmentEntry>) {
        let Some(offered) = self.keys.get_mut(&entry.id) else {
            return;
        };
        offered.described(entry);
        let destination = offered.destination.clone();
        let info = self.info(entry, &destination);
        if let Some(before) = self.registry.named(&entry.id) {
            self.registry.put(RegisteredEnvironment {
                info,
                ..RegisteredEnvironment::clone(&before)
            });
        }
    }

    /// It is no more. Its rows stay.
    pub(super) fn remove(&mut self, id: &str) {
        info!(
            environment = id,
            "environment left the roster; its rows stay"
        );
        self.keys.remove(id);
        self.registry.remove(id);
    }

    fn info(&self, entry: &EnvironmentEntry, destination: &Destination) -> EnvironmentInfo {
        let said = |text: &String| (!text.is_empty()).then(|| text.clone());
        let now = clock::now().milliseconds();
        let (names, keys) = (&entry.names, &entry.credentials);
        // What is shown is the anchor, also while another key is used.
        let anchor = Kept::fixed(keys.anchor().clone());
        let endpoint = self.assembler.endpoint();
        let info = EnvironmentInfo {
            environment_id: Some(entry.id.to_string()),
            project: said(&names.project_key),
            environment_key: said(&names.key),
            mobile_key: keys.mobile_key().cloned(),
            ..EnvironmentInfo::new(&settings(entry, destination), anchor, endpoint)
        };
        info.titled(said(&names.project_name), said(&names.name))
            .accepting(
                keys.sdk_keys(now).cloned().collect(),
                keys.mobile_keys(now).cloned().collect(),
            )
    }

    /// Whoever is refused and has no connection tries the next of the other keys that are accepted; the anchor is tried
    /// again later. Returns when to look again.
    pub(super) fn look_at_keys(&mut self) -> Option<Instant> {
        let (now, wall) = (Instant::now(), clock::now().milliseconds());
        for (id, offered) in &mut self.keys {
            let Some(registered) = self.registry.named(id) else {
                continue;
            };
            let is_refused = is_refused(&registered.status.facts(), offered.given_at);
            if offered.look(is_refused, now, wall) {
                warn!(
                    environment = &**id,
                    "LaunchDarkly refuses the environment's key; using another one that it accepts"
                );
            }
        }
        self.keys.values().filter_map(|it| it.anchor_at).min()
    }
}

/// Whether LaunchDarkly refused the key that was given then, and there is no connection with another one.
fn is_refused(facts: &Facts, given_at: Instant) -> bool {
    let error = facts.last_error.as_ref();
    let is_of_the_key = error.is_some_and(|error| {
        matches!(error.status_code, Some(401 | 403)) && error.at.monotonic >= given_at
    });
    facts.source.0 == SourcePhase::Refused && is_of_the_key
}

impl OfferedKey {
    /// It has the anchor.
    fn new(giver: Giver, entry: Arc<EnvironmentEntry>, destination: Destination) -> Self {
        Self {
            giver,
            entry,
            destination,
            given_at: Instant::now(),
            tried: 0,
            rounds: 0,
            anchor_at: None,
        }
    }

    /// It is described otherwise. Another anchor is tried at once; whatever else changes, the key stays.
    fn described(&mut self, entry: &Arc<EnvironmentEntry>) {
        let difference = entry.difference(&self.entry);
        self.entry = Arc::clone(entry);
        if difference.anchor {
            self.rounds = 0;
            self.give_anchor();
        }
    }

    fn give_anchor(&mut self) {
        (self.tried, self.anchor_at) = (0, None);
        self.give(self.entry.credentials.anchor().clone());
    }

    fn give(&mut self, key: SecretString) {
        self.given_at = Instant::now();
        self.giver.give(key);
    }

    /// Returns whether another key than the anchor is to be tried now.
    fn look(&mut self, is_refused: bool, now: Instant, wall_ms: u64) -> bool {
        if self.anchor_at.is_some_and(|at| at <= now) {
            self.give_anchor();
            return false;
        }
        if !is_refused {
            return false;
        }
        let instead = self.entry.credentials.usable_instead(wall_ms);
        let next = instead.get(self.tried).map(|it| it.value.clone());
        let Some(next) = next else {
            // The last one waits as whoever is refused does, until it is the anchor's turn.
            return false;
        };
        if self.tried == 0 {
            self.rounds = self.rounds.saturating_add(1);
            self.anchor_at = Some(now + doubled(ANCHOR_AGAIN, self.rounds, ANCHOR_AGAIN_MAX));
        }
        self.tried += 1;
        self.give(next);
        true
    }
}

/// Its place would be elsewhere by what it is called now.
pub(super) fn tell_renamed(id: &str, elsewhere: &Destination) {
    warn!(
        environment = id,
        detail = format!(
            "from then on it goes to {elsewhere}: its readers have to be told; $CID in the template avoids this"
        ),
        "an environment was renamed, and stays where it is until the next start"
    );
}

fn settings(entry: &EnvironmentEntry, destination: &Destination) -> EnvironmentSettings {
    EnvironmentSettings {
        name: Arc::clone(&entry.id),
        // It is in a cell, where it may change.
        sdk_key: Secret {
            value: None,
            reference: None,
        },
        table: destination.table.clone(),
        prefix: destination.prefix.clone(),
        log_level: None,
        project: None,
        environment_key: None,
        webhook_secrets: Vec::new(),
        environment_id: None,
        mobile_key: None,
        // It is given its source.
        source: SourceKind::Stream,
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    const NEVER: u64 = 100_000_000_000_000;

    fn entry(anchor: &str, name: &str) -> Arc<EnvironmentEntry> {
        let text = format!(
            r#"{{"envID": "e", "envName": "{name}", "version": 1, "sdkKey": {{"value": "{anchor}"}}, "sdkKeys": [
                {{"value": "{anchor}"}}, {{"value": "sdk-longer", "expiry": {NEVER}}}, {{"value": "sdk-shorter", "expiry": {}}}]}}"#,
            NEVER - 1
        );
        Arc::new(EnvironmentEntry::parse(&text).unwrap())
    }

    fn offered() -> (OfferedKey, Kept) {
        let (giver, kept) = Kept::cell();
        let destination = Destination {
            table: "flags".to_owned(),
            prefix: "e".to_owned(),
        };
        let mut offered = OfferedKey::new(giver, entry("sdk-anchor", "E"), destination);
        offered.give_anchor();
        (offered, kept)
    }

    fn given(kept: &Kept) -> String {
        kept.value().unwrap().expose_secret().to_owned()
    }

    #[test]
    fn each_accepted_key_is_tried_and_then_the_anchor_after_ever_longer_waits() {
        let (mut offered, kept) = offered();
        let mut now = Instant::now();
        for minutes in [5, 10, 20, 40, 60, 60] {
            for key in ["sdk-longer", "sdk-shorter"] {
                assert!(offered.look(true, now, 0));
                assert_eq!(given(&kept), key);
                assert!(!offered.look(false, now, 0), "it has not been refused yet");
            }
            assert!(!offered.look(true, now, 0), "there is no other");
            let wait = Duration::from_mins(minutes);
            assert_eq!(offered.anchor_at, Some(now + wait), "{minutes}");
            now += wait;
            assert!(!offered.look(true, now, 0));
            assert_eq!(given(&kept), "sdk-anchor");
        }
    }

    #[test]
    fn another_anchor_is_tried_at_once_and_another_name_changes_no_key() {
        let (mut offered, kept) = offered();
        let now = Instant::now();
        assert!(offered.look(true, now, 0));
        offered.described(&entry("sdk-anchor", "Renamed"));
        assert_eq!(given(&kept), "sdk-longer");
        offered.described(&entry("sdk-new", "Renamed"));
        assert_eq!(given(&kept), "sdk-new");
        assert_eq!(offered.anchor_at, None);
        // What was refused before it was given says nothing of it.
        let facts = crate::status::EnvironmentStatus::new(clock::now()).facts();
        assert!(!is_refused(&facts, offered.given_at));
    }
}
