//! Protocol 1: what its events say. Pure.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::model::{Content, DataSet, Item, ItemFault, ItemKey, Kind};

/// What an event says.
#[derive(Clone, Debug)]
pub enum Said {
    /// Everything.
    Full(DataSet),
    /// One item, which counts if it is newer.
    Newer(ItemKey, Item),
    /// Something changed that is not in the event: ask again.
    Hint,
    /// Nothing for us: an event, a path or a kind that we do not know.
    Unknown(Unknown),
}

/// What we do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The event's name.
    Event,
    /// The path, or the kind in it.
    Path,
}

/// Why nothing of an event is applied. Names what is wrong, never the contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not JSON.
    #[error("{0}: not JSON")]
    Json(&'static str),
    /// JSON of another shape.
    #[error("{0}: {1}")]
    Shape(&'static str, &'static str),
    /// A patch of an item that cannot be one.
    #[error("patch: {0}")]
    Item(ItemFault),
}

/// Reads one event.
pub fn read(event: &str, data: &str) -> Result<Said, Malformed> {
    match event {
        "put" => put(data),
        "patch" => patch(data),
        "delete" => delete(data),
        "indirect/put" | "indirect/patch" => Ok(Said::Hint),
        _ => Ok(Said::Unknown(Unknown::Event)),
    }
}

/// The members that the three events have.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    path: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    version: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    fn read(event: &'static str, data: &'a str) -> Result<Self, Malformed> {
        serde_json::from_str(data).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => {
                Malformed::Shape(event, "not an object with a path of text")
            }
            _ => Malformed::Json(event),
        })
    }

    /// The item that the path names; none where the kind is not ours.
    fn item(&self, event: &'static str) -> Result<Option<ItemKey>, Malformed> {
        let path = self
            .path
            .as_deref()
            .ok_or(Malformed::Shape(event, "no path"))?;
        let item = |prefix, of: fn(&str) -> ItemKey| {
            path.strip_prefix(prefix)
                .filter(|key: &&str| !key.is_empty())
                .map(of)
        };
        Ok(item("/flags/", |key| ItemKey::flag(key))
            .or_else(|| item("/segments/", |key| ItemKey::segment(key))))
    }
}

fn put(data: &str) -> Result<Said, Malformed> {
    let envelope = Envelope::read("put", data)?;
    if !matches!(envelope.path.as_deref(), None | Some("" | "/")) {
        return Ok(Said::Unknown(Unknown::Path));
    }
    let data = envelope.data.ok_or(Malformed::Shape("put", "no data"))?;
    full(data.get()).map(Said::Full)
}

/// Reads `{"flags":{…},"segments":{…}}`: the data of a `put`. A kind that is missing is empty, a
/// value that is `null` is absent, other members are skipped.
pub fn full(data: &str) -> Result<DataSet, Malformed> {
    full_of("put", data, Null::Malformed).map(|(set, _)| set)
}

/// The same of an environment's data in an offline archive. There a kind that is `null` is empty too: an archive that a Go
/// program made may have it so.
pub fn archived(data: &str) -> Result<DataSet, Malformed> {
    full_of("its data", data, Null::Empty).map(|(set, _)| set)
}

/// The same of the body of a poll, in which one kind at least has to be: anybody may answer with any JSON.
pub fn latest_all(data: &str) -> Result<DataSet, Malformed> {
    match full_of("latest-all", data, Null::Malformed)? {
        (_, 0) => Err(Malformed::Shape("latest-all", "neither flags nor segments")),
        (set, _) => Ok(set),
    }
}

/// What a kind is that is `null`.
#[derive(Clone, Copy)]
enum Null {
    Malformed,
    Empty,
}

/// With how many members named a kind.
fn full_of(of: &'static str, data: &str, null: Null) -> Result<(DataSet, usize), Malformed> {
    let mut set = DataSet::new();
    let mut deserializer = serde_json::Deserializer::from_str(data);
    let kinds = deserializer
        .deserialize_map(Kinds(&mut set, null))
        .and_then(|kinds| deserializer.end().map(|()| kinds))
        .map_err(|error| match error.classify() {
            serde_json::error::Category::Data => {
                Malformed::Shape(of, "flags or segments are not an object")
            }
            _ => Malformed::Json(of),
        })?;
    Ok((set, kinds))
}

fn patch(data: &str) -> Result<Said, Malformed> {
    let envelope = Envelope::read("patch", data)?;
    let Some(key) = envelope.item("patch")? else {
        return Ok(Said::Unknown(Unknown::Path));
    };
    let item = Item::parse(
        &key,
        envelope.data.ok_or(Malformed::Shape("patch", "no data"))?,
    );
    match item.content {
        // Its place is known, so it can be set aside alone.
        Content::Malformed(fault) if fault != ItemFault::KeyLength => Err(Malformed::Item(fault)),
        _ => Ok(Said::Newer(key, item)),
    }
}

fn delete(data: &str) -> Result<Said, Malformed> {
    let envelope = Envelope::read("delete", data)?;
    let Some(key) = envelope.item("delete")? else {
        return Ok(Said::Unknown(Unknown::Path));
    };
    let version = envelope
        .version
        .ok_or(Malformed::Shape("delete", "no version"))?;
    let version = serde_json::from_str(version.get())
        .map_err(|_| Malformed::Shape("delete", "no usable version"))?;
    let item = Item::tombstone(&key, version);
    Ok(Said::Newer(key, item))
}

/// The members of a full set, read straight into it; how many named a kind.
struct Kinds<'a>(&'a mut DataSet, Null);

impl<'de> Visitor<'de> for Kinds<'_> {
    type Value = usize;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object with flags and segments")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut kinds = 0;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let kind = match &*name {
                "flags" => Kind::Flag,
                "segments" => Kind::Segment,
                _ => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                    continue;
                }
            };
            map.next_value_seed(ItemsOfKind(kind, self.0, self.1))?;
            kinds += 1;
        }
        Ok(kinds)
    }
}

/// The items of one kind.
struct ItemsOfKind<'a>(Kind, &'a mut DataSet, Null);

impl<'de> DeserializeSeed<'de> for ItemsOfKind<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Of a member that occurs twice the last one counts, as in every reader.
        self.1.retain(|key, _| key.kind != self.0);
        match self.2 {
            Null::Malformed => deserializer.deserialize_map(self),
            Null::Empty => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for ItemsOfKind<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object of items by key")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let key = ItemKey {
                kind: self.0,
                key: (*key).into(),
            };
            let text: &RawValue = map.next_value()?;
            if text.get() == "null" {
                self.1.remove(&key);
            } else {
                let item = Item::parse(&key, text);
                self.1.insert(key, item);
            }
        }
        Ok(())
    }
}
