//! One environment of an archive: who it is, and its data.

use std::fmt;
use std::sync::Arc;

use md5::{Digest as _, Md5};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::DataSet;
use crate::launchdarkly::fdv1::{self, Malformed};

/// An environment that can be used.
#[derive(Clone)]
pub struct ArchivedEnvironment {
    /// LaunchDarkly's ID of it.
    pub id: Arc<str>,
    /// The version of what is said about it; whether it is higher or lower than before says nothing. None where there is
    /// none.
    pub version: Option<i64>,
    /// What it is called.
    pub names: ArchivedNames,
    /// Its server-side SDK key. Nobody connects with it; it is shown, masked.
    pub sdk_key: SecretString,
    /// Tells one state of its data from another. Where the archive has none, it is made of the data.
    pub data_id: Arc<str>,
    /// Every flag and segment.
    pub data: Arc<DataSet>,
}

/// What an environment is called, as far as the archive says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArchivedNames {
    /// The project's key.
    pub project_key: Option<Arc<str>>,
    /// The project's name.
    pub project_name: Option<Arc<str>>,
    /// The environment's key.
    pub environment_key: Option<Arc<str>>,
    /// The environment's name.
    pub environment_name: Option<Arc<str>>,
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
    #[error(
        "its metadata have no `env` with `envID` and `sdkKey.value`, or a name that is no text"
    )]
    Shape,
    /// An SDK key without a letter.
    #[error("its SDK key is empty")]
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
    env: MetadataEnvironment,
    #[serde(rename = "dataId", borrow, default)]
    data_id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetadataEnvironment {
    #[serde(rename = "envID")]
    env_id: String,
    env_key: Option<Arc<str>>,
    env_name: Option<Arc<str>>,
    proj_key: Option<Arc<str>>,
    proj_name: Option<Arc<str>>,
    version: Option<serde_json::Value>,
    sdk_key: MetadataKey,
}

#[derive(Deserialize)]
struct MetadataKey {
    value: String,
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
        let environment = about.env;
        if *environment.env_id != **id {
            let other = environment.env_id.chars().take(80).collect::<String>();
            return Err(EnvironmentFault::OtherId(other.escape_debug().to_string()));
        }
        if environment.sdk_key.value.is_empty() {
            return Err(EnvironmentFault::NoKey);
        }
        let data = data.ok_or(EnvironmentFault::NoData)?;
        let text = str::from_utf8(data);
        let text = text.map_err(|_| EnvironmentFault::Data(Malformed::Json("its data")))?;
        Ok(Self {
            id: Arc::clone(id),
            version: environment.version.and_then(|it| it.as_i64()),
            names: ArchivedNames {
                project_key: environment.proj_key,
                project_name: environment.proj_name,
                environment_key: environment.env_key,
                environment_name: environment.env_name,
            },
            sdk_key: environment.sdk_key.value.into(),
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
            .field("version", &self.version)
            .field("names", &self.names)
            .field("data_id", &self.data_id)
            .field("items", &self.data.len())
            .finish_non_exhaustive()
    }
}
