//! A simulated auto-configuration: which environments there are for its key, and the stream that says so.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use super::environment::SimulatedEnvironment;
use super::stream::{Open, SimulatedStream};
use super::wire::Message;

/// What there is for one auto-configuration key. Clones are the same.
///
/// What is changed is announced. Descriptions are JSON as LaunchDarkly sends it, so that a test can have anything in them;
/// versions rise by themselves. An environment answers to every SDK key that its description accepts, and to no other.
#[derive(Clone)]
pub struct AutoConfiguration {
    environments: Arc<Mutex<BTreeMap<String, Described>>>,
    stream: SimulatedStream,
}

struct Described {
    members: Map<String, Value>,
    environment: SimulatedEnvironment,
    is_listed: bool,
    exists: bool,
}

/// Its stream is told what to get wrong, and tells who listens, as any other.
impl Deref for AutoConfiguration {
    type Target = SimulatedStream;

    fn deref(&self) -> &SimulatedStream {
        &self.stream
    }
}

// What it says.
impl AutoConfiguration {
    pub(super) fn new() -> Self {
        Self {
            environments: Arc::default(),
            stream: SimulatedStream::new(),
        }
    }

    /// Adds an environment, at first with the SDK key `sdk-ID`, and announces it. One that was removed or left out comes back
    /// with what it said and with its key.
    pub fn add(&self, id: &str, project_key: &str, key: &str) -> SimulatedEnvironment {
        self.announced(id, project_key, key, None)
    }

    /// The same with this SDK key alone. Of one that is listed already, names and key are changed; if it had another key, its
    /// streams end.
    pub fn list(
        &self,
        id: &str,
        project_key: &str,
        key: &str,
        sdk_key: &str,
    ) -> SimulatedEnvironment {
        self.announced(id, project_key, key, Some(sdk_key))
    }

    fn announced(
        &self,
        id: &str,
        project_key: &str,
        key: &str,
        sdk_key: Option<&str>,
    ) -> SimulatedEnvironment {
        let mut environments = self.lock();
        let described = described(&mut environments, id);
        described.is_listed = true;
        described.exists = true;
        for (member, value) in [
            ("projKey", project_key),
            ("projName", project_key),
            ("envKey", key),
            ("envName", key),
        ] {
            described.members.insert(member.into(), value.into());
        }
        if let Some(sdk_key) = sdk_key.map(|it| json!({"value": it})) {
            let before = described.members.insert("sdkKey".into(), sdk_key.clone());
            described.members.remove("sdkKeys");
            if before != Some(sdk_key) {
                described.environment.disconnect_all();
            }
        }
        described.next_version();
        self.stream.say("patch", described.patch(id));
        described.environment.clone()
    }

    /// Changes an environment's description and announces it. The version rises by itself.
    pub fn change(&self, id: &str, change: impl FnOnce(&mut Map<String, Value>)) {
        let mut environments = self.lock();
        if let Some(described) = environments.get_mut(id) {
            change(&mut described.members);
            described.next_version();
            self.stream.say("patch", described.patch(id));
        }
    }

    /// Gives an environment another default SDK key, and announces it. The one before is accepted for as long as is said, in
    /// milliseconds since 1970; without that it is refused at once and its streams end.
    pub fn rotate_key(&self, id: &str, new: &str, old_until_ms: Option<u64>) {
        self.change(id, |members| {
            let old = members.remove("sdkKey").unwrap_or_default();
            let old = &old["value"];
            let mut now = json!({"value": new});
            if let Some(until) = old_until_ms {
                now["expiring"] = json!({"value": old, "timestamp": until});
            }
            members.insert("sdkKey".into(), now);
            if let Some(Value::Array(keys)) = members.get_mut("sdkKeys") {
                keys.retain(|key| key["value"] != *old);
                if let Some(until) = old_until_ms {
                    keys.push(json!({"value": old, "expiry": until}));
                }
                keys.push(json!({"key": "default", "value": new}));
            }
        });
        if old_until_ms.is_none() {
            self.environment(id).disconnect_all();
        }
    }

    /// Removes an environment and announces it. Its keys are refused from now on, and its streams end.
    pub fn remove(&self, id: &str) {
        let mut environments = self.lock();
        let Some(described) = environments.get_mut(id).filter(|it| it.exists) else {
            return;
        };
        described.exists = false;
        described.is_listed = false;
        let version = described.next_version();
        let delete = json!({"path": path(id), "version": version});
        self.stream.say("delete", delete.to_string());
        described.environment.disconnect_all();
    }

    /// Lists an environment no more, from the next connection on, as when the key's policy changes. It still answers to its
    /// keys.
    pub fn leave_out(&self, id: &str) {
        if let Some(described) = self.lock().get_mut(id) {
            described.is_listed = false;
        }
    }

    /// Tells who is connected to connect again.
    pub fn reconnect(&self) {
        self.stream.send_event("reconnect", " ");
    }

    /// Says everything again to who is connected.
    pub fn announce(&self) {
        let environments = self.lock();
        self.stream.say("put", put(&environments));
    }

    /// The environment of this ID; made, and empty, when it is first named. It is listed once it is added.
    pub fn environment(&self, id: &str) -> SimulatedEnvironment {
        described(&mut self.lock(), id).environment.clone()
    }

    /// The data of a `put`, as the next connection will get it.
    pub fn to_put(&self) -> String {
        put(&self.lock())
    }
}

// For the handlers.
impl AutoConfiguration {
    /// What a new stream begins with, and what is said after that: nothing lies between the two.
    pub(super) fn open(&self) -> (String, UnboundedReceiver<Message>, Open) {
        let environments = self.lock();
        let (messages, open) = self.stream.open();
        (put(&environments), messages, open)
    }

    /// The environment that accepts this SDK key at this time, in milliseconds since 1970.
    pub(super) fn accepting(&self, sdk_key: &str, now_ms: u64) -> Option<SimulatedEnvironment> {
        let environments = self.lock();
        let mut accepting = environments
            .values()
            .filter(|it| it.exists && it.accepts(sdk_key, now_ms));
        accepting.next().map(|it| it.environment.clone())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Described>> {
        self.environments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Described {
    fn new(id: &str) -> Self {
        let members = [
            ("envID", id.into()),
            ("sdkKey", json!({"value": format!("sdk-{id}")})),
            ("mobKey", format!("mob-{id}").into()),
            ("defaultTtl", 0.into()),
            ("secureMode", false.into()),
            ("version", 0.into()),
        ];
        let members = members.map(|(name, value)| (name.to_owned(), value));
        let environment = SimulatedEnvironment::new();
        environment.set_id(id);
        Self {
            members: members.into_iter().collect(),
            environment,
            is_listed: false,
            exists: false,
        }
    }

    fn next_version(&mut self) -> u64 {
        let version = self.members.get("version").and_then(Value::as_u64);
        let next = version.unwrap_or_default() + 1;
        self.members.insert("version".into(), next.into());
        next
    }

    fn patch(&self, id: &str) -> String {
        json!({"path": path(id), "data": self.members}).to_string()
    }

    /// The default key, the one that expires, those that are listed; not those that show a view.
    fn accepts(&self, sdk_key: &str, now_ms: u64) -> bool {
        let is_it = |key: &Value| key["value"] == sdk_key;
        let holds = |until: &Value| until.as_u64().is_none_or(|it| it == 0 || it > now_ms);
        let default = self.members.get("sdkKey").unwrap_or(&Value::Null);
        if is_it(default) {
            return true;
        }
        match self.members.get("sdkKeys").and_then(Value::as_array) {
            Some(keys) if !keys.is_empty() => keys
                .iter()
                .any(|key| is_it(key) && holds(&key["expiry"]) && key["hasViews"] != true),
            _ => {
                let expiring = &default["expiring"];
                is_it(expiring) && holds(&expiring["timestamp"])
            }
        }
    }
}

fn described<'a>(environments: &'a mut BTreeMap<String, Described>, id: &str) -> &'a mut Described {
    environments
        .entry(id.into())
        .or_insert_with(|| Described::new(id))
}

fn path(id: &str) -> String {
    format!("/environments/{id}")
}

fn put(environments: &BTreeMap<String, Described>) -> String {
    let listed = environments.iter().filter(|(_, it)| it.is_listed);
    let listed: Map<_, _> = listed
        .map(|(id, it)| (id.clone(), Value::Object(it.members.clone())))
        .collect();
    json!({"path": "/", "data": {"environments": listed, "filters": {}}}).to_string()
}
