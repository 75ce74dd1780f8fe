//! One environment of an archive: who it is, and its data.

use std::fmt;
use std::sync::Arc;

use md5::{Digest as _, Md5};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::DataSet;
use crate::launchdarkly::fdv1::{self, Malformed};
use crate::roster::EnvironmentEntry;

/// An environment that can be used.
#[derive(Clone)]
pub struct ArchivedEnvironment {
    /// LaunchDarkly's ID of it.
    pub id: Arc<str>,
    /// What is said of it, as auto-configuration says it. Its version tells one state from another, higher or lower. Nobody
    /// connects with its keys: they are shown, masked.
    pub entry: Arc<EnvironmentEntry>,
    /// Tells one state of its data from another. Where the archive has none, it is made of the data.
    pub data_id: Arc<str>,
    /// Every flag and segment.
    pub data: Arc<DataSet>,
}

/// Why an environment cannot be used as it is in the archive. Says nothing of the contents: they hold keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentFault {
    /// Its `ID.json` is no JSON.
    #[error("its metadata are not JSON (line {line}, column {column})")]
    NotJson {
        /// Where.
        line: usize,
        /// Where.
        column: usize,
    },
    /// Its `ID.json` is JSON of another shape.
    #[error("its metadata have no `env` with an `envID`, or a member of it is of the wrong type")]
    Shape,
    /// An ID that names no place.
    #[error("its ID is empty, too long, or holds blanks or control characters")]
    UnusableId,
    /// No SDK key.
    #[error("its SDK key (`sdkKey.value`) is missing or empty")]
    NoKey,
    /// It is another environment's.
    #[error("its metadata say that its `envID` is {0}: its files have to be called after that")]
    OtherId(String),
    /// There is no `ID-data.json`.
    #[error("its data are missing")]
    NoData,
    /// Its `ID-data.json` is no set of flags and segments.
    #[error("{0}")]
    Data(Malformed),
}

#[derive(Deserialize)]
struct EnvironmentMetadata<'a> {
    #[serde(borrow)]
    env: &'a RawValue,
    #[serde(rename = "dataId", borrow, default)]
    data_id: Option<&'a RawValue>,
}

impl ArchivedEnvironment {
    /// Of `ID.json` and `ID-data.json`.
    pub(super) fn parse(
        id: &Arc<str>,
        about: &[u8],
        data: Option<&[u8]>,
    ) -> Result<Self, EnvironmentFault> {
        let about: EnvironmentMetadata<'_> =
            serde_json::from_slice(about).map_err(|error| fault(&error))?;
        let entry = EnvironmentEntry::parse(about.env.get());
        let entry = entry.map_err(|_| EnvironmentFault::Shape)?;
        if entry.id.is_empty() {
            return Err(EnvironmentFault::Shape);
        }
        if *entry.id != **id {
            let other = entry.id.chars().take(80).collect::<String>();
            return Err(EnvironmentFault::OtherId(other.escape_debug().to_string()));
        }
        entry
            .check_id(id)
            .map_err(|_| EnvironmentFault::UnusableId)?;
        if entry.credentials.anchor().expose_secret().is_empty() {
            return Err(EnvironmentFault::NoKey);
        }
        let data = data.ok_or(EnvironmentFault::NoData)?;
        let text = str::from_utf8(data);
        let text = text.map_err(|_| EnvironmentFault::Data(Malformed::Json("its data")))?;
        Ok(Self {
            id: Arc::clone(id),
            entry: Arc::new(entry),
            data_id: data_id(about.data_id, data),
            data: Arc::new(fdv1::archived(text).map_err(EnvironmentFault::Data)?),
        })
    }
}

/// A text is taken as such, anything else as it is written.
fn data_id(said: Option<&RawValue>, data: &[u8]) -> Arc<str> {
    let Some(said) = said else {
        return hex::encode(Md5::digest(data)).into();
    };
    serde_json::from_str::<String>(said.get()).map_or_else(|_| said.get().into(), Into::into)
}

/// Without the parser's words: they may repeat what was there.
fn fault(error: &serde_json::Error) -> EnvironmentFault {
    if error.is_data() {
        return EnvironmentFault::Shape;
    }
    EnvironmentFault::NotJson {
        line: error.line(),
        column: error.column(),
    }
}

/// Without the key and the data.
impl fmt::Debug for ArchivedEnvironment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ArchivedEnvironment")
            .field("id", &self.id)
            .field("version", &self.entry.version)
            .field("names", &self.entry.names)
            .field("data_id", &self.data_id)
            .field("items", &self.data.len())
            .finish_non_exhaustive()
    }
}
