//! What a body says happened. It has the form of an entry of LaunchDarkly's audit log.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::resource::subject;
use super::{About, Hook, Subject, Which};
use crate::model::Object;

/// How much one body says at most. Where it names more, less is said of each place.
pub const MAX_SUBJECTS: usize = 100;

/// An id that is longer is not remembered; LaunchDarkly's have 24 characters.
const MAX_ID_BYTES: usize = 128;

/// Actions that change nothing for SDKs. The list is short on purpose: to wake for nothing is cheap, to miss a change is
/// not, and LaunchDarkly's own list of actions is open.
const COSMETIC: &[&str] = &[
    "updateName",
    "updateDescription",
    "updateTags",
    "updateMaintainer",
];

/// The body is not an entry of an audit log. Says nothing of what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the webhook's body is no audit log entry; something may have changed, so look at everything"
)]
pub struct Unreadable;

/// Reads a body. It must be an object with a `kind`; everything else may be missing, and what we do not know is skipped.
pub fn read(body: &[u8]) -> Result<Hook, Unreadable> {
    let Object::<Entry>(entry) = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    Ok(Hook {
        date: entry.date.as_ref().map(moment).transpose()?,
        subjects: subjects(&entry),
        id: entry.id.filter(|id| (1..=MAX_ID_BYTES).contains(&id.len())),
    })
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "_id")]
    id: Option<String>,
    date: Option<serde_json::Number>,
    kind: String,
    accesses: Option<Vec<Object<Access>>>,
    target: Option<Object<EntryTarget>>,
}

#[derive(Deserialize)]
struct Access {
    action: Option<String>,
    resource: Option<String>,
}

#[derive(Deserialize)]
struct EntryTarget {
    resources: Option<Vec<String>>,
}

impl Access {
    fn matters(&self) -> bool {
        self.action
            .as_deref()
            .is_none_or(|action| !COSMETIC.contains(&action))
    }
}

impl Entry {
    /// The resources that changed in a way that matters; none where nothing did. What was accessed says more than the
    /// target.
    fn resources(&self) -> Option<Vec<&str>> {
        let accesses = self.accesses.as_deref().unwrap_or_default();
        let mattering = || accesses.iter().filter(|Object(access)| access.matters());
        if !accesses.is_empty() && mattering().next().is_none() {
            return None;
        }
        let resources: Vec<&str> = mattering()
            .filter_map(|Object(access)| access.resource.as_deref())
            .collect();
        if !resources.is_empty() {
            return Some(resources);
        }
        let target = self.target.as_ref().and_then(|it| it.0.resources.as_ref());
        Some(target.into_iter().flatten().map(String::as_str).collect())
    }
}

fn subjects(entry: &Entry) -> Vec<Subject> {
    let is_key = match entry.kind.as_str() {
        "flag" | "segment" => false,
        // It holds no items. Of its actions we know the name of one that resets the key, but not the newer ones.
        "environment" => true,
        _ => return Vec::new(),
    };
    let Some(resources) = entry.resources() else {
        return Vec::new();
    };
    let least = if is_key {
        About::Key
    } else {
        About::Everything
    };
    let coarse = |subject: Subject| Subject {
        about: least.clone(),
        ..subject
    };
    let mut said: BTreeSet<Subject> = resources.into_iter().map(subject).collect();
    if is_key || said.len() > MAX_SUBJECTS {
        said = said.into_iter().map(coarse).collect();
    }
    let somewhere = |environment| Subject {
        project: None,
        environment,
        about: least.clone(),
    };
    match said.len() {
        0 => vec![somewhere(Which::Unsaid)],
        1..=MAX_SUBJECTS => said.into_iter().collect(),
        _ => vec![somewhere(Which::Every)],
    }
}

/// The moment that many milliseconds after the start of 1970.
fn moment(date: &serde_json::Number) -> Result<SystemTime, Unreadable> {
    let since = match date.as_u64() {
        Some(date) => Ok(Duration::from_millis(date)),
        None => Duration::try_from_secs_f64(date.as_f64().ok_or(Unreadable)? / 1_000.0),
    };
    let since = since.map_err(|_| Unreadable)?;
    SystemTime::UNIX_EPOCH.checked_add(since).ok_or(Unreadable)
}
