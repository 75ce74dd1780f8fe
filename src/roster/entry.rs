//! One environment, as auto-configuration and archives describe it.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::credentials::{CredentialFault, Credentials, GivenKey, GivenSdkKey};
use crate::model::Object;

/// What is longer names no environment; LaunchDarkly's IDs have 24 characters.
const MAX_ID_BYTES: usize = 256;

/// An environment as it is described. Members that we do not read are ignored.
#[derive(Clone)]
pub struct EnvironmentEntry {
    /// LaunchDarkly's ID of it, `envID`: what it is known by, whatever it is called. Empty if it has none.
    pub id: Arc<str>,
    /// What people call it.
    pub names: EnvironmentNames,
    /// Orders descriptions of one environment.
    pub version: u64,
    /// Its keys.
    pub credentials: Credentials,
    /// The description as it came, keys included.
    text: SecretString,
}

/// What an environment and its project are called. What is not said is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvironmentNames {
    /// The environment's key, such as `production`.
    pub key: String,
    /// Its name, such as `Production`.
    pub name: String,
    /// Its project's key.
    pub project_key: String,
    /// Its project's name.
    pub project_name: String,
}

/// What a description says otherwise than the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryDifference {
    /// What people call the environment, its project or its keys.
    pub names: bool,
    /// The key to connect with.
    pub anchor: bool,
    /// The other keys, or how long they are accepted.
    pub other_keys: bool,
}

/// Why a description cannot be used. Each is a sentence that an operator reads after the environment's ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    /// Listed under one ID, and has another one inside.
    #[error("its `envID` is not the ID under which LaunchDarkly lists it")]
    OtherId,
    /// The ID cannot name anything.
    #[error(
        "its ID is empty, longer than {MAX_ID_BYTES} bytes, or holds blanks or control characters"
    )]
    UnusableId,
    /// Its keys cannot be used.
    #[error("{0}")]
    Credentials(#[from] CredentialFault),
}

/// The description is no object, or a member that we read is of another type. Says nothing of what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an environment's description is not an object, or a member of it is of the wrong type")]
pub struct MisshapenEntry;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryMembers {
    #[serde(rename = "envID")]
    id: Option<String>,
    env_key: Option<String>,
    env_name: Option<String>,
    proj_key: Option<String>,
    proj_name: Option<String>,
    version: Option<u64>,
    sdk_key: Option<Object<GivenSdkKey>>,
    mob_key: Option<String>,
    sdk_keys: Option<Vec<Object<GivenKey>>>,
    mobile_keys: Option<Vec<Object<GivenKey>>>,
}

impl EnvironmentEntry {
    /// Reads a description: a JSON object. What is missing or null is empty, a version 0.
    pub fn parse(text: &str) -> Result<Self, MisshapenEntry> {
        let Object::<EntryMembers>(it) = serde_json::from_str(text).map_err(|_| MisshapenEntry)?;
        let keys = |listed: Option<Vec<Object<GivenKey>>>| {
            let listed = listed.unwrap_or_default().into_iter();
            listed.map(|Object(key)| key).collect()
        };
        let sdk_key = it.sdk_key.map(|Object(key)| key).unwrap_or_default();
        Ok(Self {
            id: it.id.unwrap_or_default().into(),
            names: EnvironmentNames {
                key: it.env_key.unwrap_or_default(),
                name: it.env_name.unwrap_or_default(),
                project_key: it.proj_key.unwrap_or_default(),
                project_name: it.proj_name.unwrap_or_default(),
            },
            version: it.version.unwrap_or_default(),
            credentials: Credentials::of(
                sdk_key,
                it.mob_key,
                keys(it.sdk_keys),
                keys(it.mobile_keys),
            ),
            text: text.into(),
        })
    }

    /// The description as it came. It holds the keys: for sealing only.
    pub fn text(&self) -> &SecretString {
        &self.text
    }

    /// Whether both came as the same text.
    pub fn is_same_text(&self, other: &Self) -> bool {
        self.text.expose_secret() == other.text.expose_secret()
    }

    /// Whether it is of the environment under whose ID it is listed, and LaunchDarkly can be asked with its keys.
    pub fn check(&self, listed_as: &str) -> Result<(), EntryFault> {
        self.check_id(listed_as)?;
        self.credentials
            .fault()
            .map_or(Ok(()), |fault| Err(fault.into()))
    }

    /// The first half of it, for those who ask nobody: the ID names where an environment goes.
    pub fn check_id(&self, listed_as: &str) -> Result<(), EntryFault> {
        let is_odd = |it: char| it.is_control() || it.is_whitespace();
        if *self.id != *listed_as {
            Err(EntryFault::OtherId)
        } else if self.id.is_empty() || self.id.len() > MAX_ID_BYTES || self.id.contains(is_odd) {
            Err(EntryFault::UnusableId)
        } else {
            Ok(())
        }
    }

    /// What it says otherwise than an earlier description.
    pub fn difference(&self, earlier: &Self) -> EntryDifference {
        let (now, then) = (&self.credentials, &earlier.credentials);
        EntryDifference {
            names: self.names != earlier.names || !now.same_identifiers(then),
            anchor: !now.same_anchor(then),
            other_keys: !now.same_others(then),
        }
    }
}

/// Without keys and names.
impl fmt::Debug for EnvironmentEntry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("EnvironmentEntry")
            .field("id", &self.id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
