//! The environments that there are now, for whoever shows them, wakes them or gives them orders. They come and go while
//! the process runs; each is known by its name.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use tokio::sync::{Notify, watch};

use crate::config::EnvironmentSettings;
use crate::environment::{Control, Environment};
use crate::roster::AcceptedKey;
use crate::secrets::Kept;
use crate::status::EnvironmentStatus;
use crate::webhook::Addressee;

/// What is shown of an environment's configuration, and what it goes by at LaunchDarkly.
#[derive(Clone)]
pub struct EnvironmentInfo {
    /// Its name, which no other one has.
    pub name: Arc<str>,
    /// As it is now: keys are rotated.
    pub sdk_key: Kept,
    /// Those that are accepted besides, and what people call the one that is used.
    pub sdk_keys: Vec<AcceptedKey>,
    /// The mobile key, where the settings or the roster give it.
    pub mobile_key: Option<SecretString>,
    /// All mobile keys that are accepted.
    pub mobile_keys: Vec<AcceptedKey>,
    /// LaunchDarkly's ID, where the settings or the roster give it.
    pub environment_id: Option<String>,
    /// The key of its project.
    pub project: Option<String>,
    /// What people call its project.
    pub project_name: Option<String>,
    /// Its own key at LaunchDarkly.
    pub environment_key: Option<String>,
    /// What people call it.
    pub environment_name: Option<String>,
    /// The table.
    pub table: String,
    /// The prefix, which may be empty.
    pub prefix: String,
    /// Where the table is, if not at AWS; without a user's name and password.
    pub endpoint: Option<String>,
}

impl EnvironmentInfo {
    /// Of this environment with this SDK key, whose table is at this endpoint if not at AWS.
    pub fn new(environment: &EnvironmentSettings, sdk_key: Kept, endpoint: Option<&str>) -> Self {
        let mobile_key = environment.mobile_key.iter().cloned();
        Self {
            name: Arc::clone(&environment.name),
            sdk_key,
            sdk_keys: Vec::new(),
            mobile_keys: mobile_key.map(AcceptedKey::from).collect(),
            mobile_key: environment.mobile_key.clone(),
            environment_id: environment.environment_id.clone(),
            project: environment.project.clone(),
            project_name: None,
            environment_key: environment.environment_key.clone(),
            environment_name: None,
            table: environment.table.clone(),
            prefix: environment.prefix.clone(),
            endpoint: endpoint.map(without_user),
        }
    }

    /// What people call its project and itself at LaunchDarkly.
    #[must_use]
    pub fn titled(self, project: Option<String>, environment: Option<String>) -> Self {
        Self {
            project_name: project,
            environment_name: environment,
            ..self
        }
    }

    /// With all keys that it accepts. The SDK key that is used is accepted without an end, whether it is among them or not.
    #[must_use]
    pub fn accepting(self, sdk_keys: Vec<AcceptedKey>, mobile_keys: Vec<AcceptedKey>) -> Self {
        Self {
            sdk_keys,
            mobile_keys,
            ..self
        }
    }

    /// What webhooks may call it.
    pub fn addressee(&self) -> Addressee<'_> {
        Addressee {
            name: &self.name,
            project: self.project.as_deref(),
            environment: self.environment_key.as_deref(),
        }
    }
}

/// An environment: what is shown of it, and what it can be asked for.
#[derive(Clone)]
pub struct RegisteredEnvironment {
    /// Its configuration.
    pub info: EnvironmentInfo,
    /// What is known of it.
    pub status: EnvironmentStatus,
    /// What wakes it.
    pub control: Control,
    /// The webhook's secrets for it; where there are none, the shared ones hold.
    pub webhook_secrets: Vec<Kept>,
}

impl RegisteredEnvironment {
    /// The one that shows and wakes this environment.
    pub fn of(
        environment: &Environment,
        info: EnvironmentInfo,
        webhook_secrets: Vec<Kept>,
    ) -> Self {
        Self {
            info,
            status: environment.status.clone(),
            control: environment.control.clone(),
            webhook_secrets,
        }
    }
}

/// What operators confirm of the roster. It waits here until whoever follows the roster takes it. Cheap to clone.
#[derive(Clone, Default)]
pub struct RosterOrders(Arc<RosterOrdersState>);

#[derive(Default)]
struct RosterOrdersState {
    confirmed: Mutex<Option<usize>>,
    bell: Notify,
}

impl RosterOrders {
    /// So many environments may be removed, if so many are held.
    pub fn confirm(&self, removals: usize) {
        *self.lock() = Some(removals);
        self.0.bell.notify_one();
    }

    /// Completes when a number was confirmed that was not taken yet. May be dropped and called again without loss.
    pub async fn confirmed(&self) -> usize {
        loop {
            if let Some(removals) = self.lock().take() {
                return removals;
            }
            self.0.bell.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<usize>> {
        let confirmed = self.0.confirmed.lock();
        confirmed.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those that there are at one moment, in the order in which they came.
pub type Registered = Arc<[Arc<RegisteredEnvironment>]>;

/// The list. Cheap to clone: all clones are one list.
#[derive(Clone, Default)]
pub struct EnvironmentRegistry(Arc<watch::Sender<Registered>>);

impl EnvironmentRegistry {
    /// Those that there are now.
    pub fn now(&self) -> Registered {
        Arc::clone(&self.0.borrow())
    }

    /// The one of this name.
    pub fn named(&self, name: &str) -> Option<Arc<RegisteredEnvironment>> {
        let registered = self.0.borrow();
        registered.iter().find(|it| *it.info.name == *name).cloned()
    }

    /// Waits until this holds of those that there are.
    pub async fn wait_until(&self, holds: impl FnMut(&Registered) -> bool) {
        if self.0.subscribe().wait_for(holds).await.is_err() {
            // Only a sender that is gone ends the wait, and it is ours.
            std::future::pending::<()>().await;
        }
    }

    /// One comes, or is another one from now on.
    pub fn put(&self, environment: RegisteredEnvironment) {
        let environment = Arc::new(environment);
        self.0.send_modify(|registered| {
            let mut all = registered.to_vec();
            match all
                .iter_mut()
                .find(|it| it.info.name == environment.info.name)
            {
                Some(before) => *before = environment,
                None => all.push(environment),
            }
            *registered = all.into();
        });
    }

    /// One goes.
    pub fn remove(&self, name: &str) {
        self.0.send_modify(|registered| {
            let left = registered.iter().filter(|it| *it.info.name != *name);
            *registered = left.cloned().collect();
        });
    }
}

impl FromIterator<RegisteredEnvironment> for EnvironmentRegistry {
    fn from_iter<I: IntoIterator<Item = RegisteredEnvironment>>(environments: I) -> Self {
        let registered: Registered = environments.into_iter().map(Arc::new).collect();
        Self(Arc::new(watch::Sender::new(registered)))
    }
}

/// An address without the name and password that it may hold.
fn without_user(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let check = |address, expect| assert_eq!(without_user(address), expect);
        check("http://localhost:8000", "http://localhost:8000");
        check("http://me:p@ss@host:8000/a@b", "http://host:8000/a@b");
    }
}
