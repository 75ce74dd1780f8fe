//! A roster that is spoken to, and descriptions to tell it.

use ld_dynamodb_relay::roster::{
    AutoConfigErrorKind, EnvironmentEntry, Roster, RosterChange, RosterStep, Templates, read,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// A roster with an open connection.
pub(crate) struct World {
    pub(crate) roster: Roster,
    pub(crate) now_ms: u64,
}

impl Default for World {
    fn default() -> Self {
        Self::with("flags", "ld-$CID")
    }
}

impl World {
    pub(crate) fn with(table: &str, prefix: &str) -> Self {
        let templates = Templates::new(table, prefix).unwrap();
        let mut roster = Roster::new(templates, 0);
        roster.opened();
        Self { roster, now_ms: 0 }
    }

    pub(crate) fn hear(&mut self, event: &str, data: &str) -> RosterStep {
        self.now_ms += 60_000;
        self.roster.heed(read(event, data), self.now_ms)
    }

    /// Says that these are all.
    pub(crate) fn put(&mut self, environments: &[Value]) -> RosterStep {
        self.hear("put", &put_of(environments))
    }

    /// The same at this time.
    pub(crate) fn put_at(&mut self, environments: &[Value], now_ms: u64) -> RosterStep {
        self.now_ms = now_ms;
        self.roster.heed(read("put", &put_of(environments)), now_ms)
    }

    pub(crate) fn patch(&mut self, environment: &Value) -> RosterStep {
        let path = format!("/environments/{}", environment["envID"].as_str().unwrap());
        let data = json!({"path": path, "data": environment});
        self.hear("patch", &data.to_string())
    }

    pub(crate) fn delete(&mut self, id: &str, version: u64) -> RosterStep {
        let data = json!({"path": format!("/environments/{id}"), "version": version});
        self.hear("delete", &data.to_string())
    }

    /// The connection is lost and another one opened.
    pub(crate) fn reconnect(&mut self) {
        self.now_ms += 1_000;
        self.roster
            .failed(AutoConfigErrorKind::Network, self.now_ms);
        self.roster.opened();
    }

    /// What is served, as `ID@VERSION`.
    pub(crate) fn served(&self) -> Vec<String> {
        let served = self.roster.served();
        served
            .map(|(entry, _)| format!("{}@{}", entry.id, entry.version))
            .collect()
    }

    /// The refused environments, with whether an earlier description is served.
    pub(crate) fn refused(&self) -> Vec<(String, bool)> {
        let refused = self.roster.refused();
        refused.map(|it| (it.id.to_string(), it.serving)).collect()
    }
}

/// The data of a `put`.
pub(crate) fn put_of(environments: &[Value]) -> String {
    let listed = environments.iter();
    let listed = listed.map(|it| (it["envID"].as_str().unwrap().to_owned(), it.clone()));
    let listed: serde_json::Map<_, _> = listed.collect();
    json!({"path": "/", "data": {"environments": listed}}).to_string()
}

/// An environment with keys of its own.
pub(crate) fn environment(id: &str, version: u64) -> Value {
    json!({
        "envID": id, "envKey": id, "envName": id, "projKey": "harbor", "projName": "Harbor",
        "mobKey": format!("mob-{id}"), "sdkKey": {"value": format!("sdk-{id}")},
        "defaultTtl": 0, "secureMode": false, "version": version,
    })
}

/// The same with other members.
pub(crate) fn with(mut environment: Value, members: &Value) -> Value {
    let object = environment.as_object_mut().unwrap();
    object.extend(members.as_object().unwrap().clone());
    environment
}

pub(crate) fn entry(environment: &Value) -> EnvironmentEntry {
    EnvironmentEntry::parse(&environment.to_string()).unwrap()
}

/// What is to be done, in a word each.
pub(crate) fn told(step: &RosterStep) -> Vec<String> {
    let change = |change: &RosterChange| match change {
        RosterChange::Add { entry, .. } => format!("add {}", entry.id),
        RosterChange::Update { entry, difference } => {
            let mut said = format!("update {}", entry.id);
            for (differs, what) in [
                (difference.names, " names"),
                (difference.anchor, " anchor"),
                (difference.other_keys, " others"),
            ] {
                if differs {
                    said += what;
                }
            }
            said
        }
        RosterChange::Remove(id) => format!("remove {id}"),
    };
    step.changes.iter().map(change).collect()
}

/// The key to connect with.
pub(crate) fn anchor(world: &World, id: &str) -> String {
    let entry = world.roster.entry(id).unwrap();
    entry.credentials.anchor().expose_secret().to_owned()
}

pub(crate) fn fixture(name: &str) -> String {
    std::fs::read_to_string(format!("tests/fixtures/{name}")).unwrap()
}
