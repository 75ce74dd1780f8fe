//! What the events of the auto-configuration stream say.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::entry::{EnvironmentEntry, MisshapenEntry};
use crate::model::Object;

/// What an event says.
#[derive(Clone, Debug)]
pub enum RosterMessage {
    /// Every environment that there is, under the ID under which it is listed.
    Put(BTreeMap<Arc<str>, EnvironmentEntry>),
    /// One of them, which counts if it is newer.
    Patch(Arc<str>, Box<EnvironmentEntry>),
    /// One is gone, which counts if this is newer.
    Delete {
        /// Its ID.
        id: Arc<str>,
        /// The version of the deletion.
        version: u64,
    },
    /// Connect again at once: the policy of the auto-configuration key changed.
    Reconnect,
    /// Nothing for us, but a sign of life.
    Ignored(IgnoredMessage),
}

/// Why nothing is taken of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IgnoredMessage {
    /// An event whose name we do not know.
    #[error("an event of an unknown name")]
    Event,
    /// A `put` of something that is not everything.
    #[error("a put whose path is not `/`")]
    PutPath,
    /// A payload filter: there are none here.
    #[error("a payload filter, which has no effect here")]
    Filter,
    /// Another path.
    #[error("a path that names no environment")]
    Path,
}

/// Why nothing of an event is applied. Names what is wrong, never the contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedMessage {
    /// Not JSON.
    #[error("{0}: not JSON")]
    NotJson(&'static str),
    /// JSON of another shape.
    #[error("{0}: {1}")]
    Misshapen(&'static str, &'static str),
    /// A description that is none.
    #[error("{0}: {1}")]
    Entry(&'static str, MisshapenEntry),
}

/// Reads one event.
pub fn read(event: &str, data: &str) -> Result<RosterMessage, MalformedMessage> {
    match event {
        "put" => put(data),
        "patch" => patch(data),
        "delete" => delete(data),
        "reconnect" => Ok(RosterMessage::Reconnect),
        _ => Ok(RosterMessage::Ignored(IgnoredMessage::Event)),
    }
}

/// The members that the events have.
#[derive(Deserialize)]
struct RosterEnvelope<'a> {
    path: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    version: Option<u64>,
}

#[derive(Deserialize)]
struct PutData<'a> {
    #[serde(borrow)]
    environments: Option<BTreeMap<String, &'a RawValue>>,
}

fn parse<'a, T: Deserialize<'a>>(
    event: &'static str,
    text: &'a str,
    shape: &'static str,
) -> Result<T, MalformedMessage> {
    match serde_json::from_str(text) {
        Ok(Object(it)) => Ok(it),
        Err(error) if error.is_data() => Err(MalformedMessage::Misshapen(event, shape)),
        Err(_) => Err(MalformedMessage::NotJson(event)),
    }
}

fn envelope<'a>(
    event: &'static str,
    text: &'a str,
) -> Result<RosterEnvelope<'a>, MalformedMessage> {
    parse(
        event,
        text,
        "not an object whose path is text and whose version is a whole number",
    )
}

fn put(text: &str) -> Result<RosterMessage, MalformedMessage> {
    let envelope = envelope("put", text)?;
    if !matches!(envelope.path.as_deref(), None | Some("" | "/")) {
        return Ok(RosterMessage::Ignored(IgnoredMessage::PutPath));
    }
    let data = envelope
        .data
        .ok_or(MalformedMessage::Misshapen("put", "no data"))?;
    let data: PutData<'_> = parse("put", data.get(), "its environments are not an object")?;
    // None at all is not "none": it would stop every environment.
    let listed = data
        .environments
        .ok_or(MalformedMessage::Misshapen("put", "no environments"))?;
    let listed = listed
        .into_iter()
        .map(|(id, text)| Ok((id.into(), entry("put", text)?)));
    listed.collect::<Result<_, _>>().map(RosterMessage::Put)
}

fn patch(text: &str) -> Result<RosterMessage, MalformedMessage> {
    let envelope = envelope("patch", text)?;
    let id = match named("patch", envelope.path.as_deref())? {
        Ok(id) => id,
        Err(ignored) => return Ok(RosterMessage::Ignored(ignored)),
    };
    let data = envelope
        .data
        .ok_or(MalformedMessage::Misshapen("patch", "no data"))?;
    Ok(RosterMessage::Patch(id, Box::new(entry("patch", data)?)))
}

fn delete(text: &str) -> Result<RosterMessage, MalformedMessage> {
    let envelope = envelope("delete", text)?;
    let id = match named("delete", envelope.path.as_deref())? {
        Ok(id) => id,
        Err(ignored) => return Ok(RosterMessage::Ignored(ignored)),
    };
    let version = envelope
        .version
        .ok_or(MalformedMessage::Misshapen("delete", "no version"))?;
    Ok(RosterMessage::Delete { id, version })
}

fn entry(event: &'static str, text: &RawValue) -> Result<EnvironmentEntry, MalformedMessage> {
    EnvironmentEntry::parse(text.get()).map_err(|it| MalformedMessage::Entry(event, it))
}

/// The ID in `/environments/ID`.
fn named(
    event: &'static str,
    path: Option<&str>,
) -> Result<Result<Arc<str>, IgnoredMessage>, MalformedMessage> {
    let path = path.ok_or(MalformedMessage::Misshapen(event, "no path"))?;
    if path.starts_with("/filters/") {
        return Ok(Err(IgnoredMessage::Filter));
    }
    let id = path
        .strip_prefix("/environments/")
        .filter(|id| !id.is_empty() && !id.contains('/'));
    Ok(id.map(Into::into).ok_or(IgnoredMessage::Path))
}
