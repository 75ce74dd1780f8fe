//! What an environment says: its items, each as the text that was given, byte for byte.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::{ItemKey, Kind};

/// Every item of a simulated environment. Cheap to clone for tests' purposes: texts are shared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Items(BTreeMap<ItemKey, Arc<str>>);

#[derive(Deserialize)]
struct Everything<'a> {
    #[serde(borrow, default)]
    flags: HashMap<String, &'a RawValue>,
    #[serde(borrow, default)]
    segments: HashMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
struct Put<'a> {
    #[serde(borrow)]
    data: Everything<'a>,
}

#[derive(Deserialize)]
struct ItemHeader {
    key: Option<String>,
    version: Option<u64>,
}

impl Items {
    /// Reads a `put` event's data, with or without its envelope `{"path":…,"data":…}`.
    pub fn from_put(json: &str) -> anyhow::Result<Self> {
        let everything = match serde_json::from_str::<Put<'_>>(json) {
            Ok(put) => put.data,
            Err(_) => serde_json::from_str(json)
                .context("expected an object with `flags` and `segments`, each by key")?,
        };
        let flags = everything.flags.into_iter().map(|it| (Kind::Flag, it));
        let segments = everything
            .segments
            .into_iter()
            .map(|it| (Kind::Segment, it));
        let items = flags.chain(segments).map(|(kind, (key, text))| {
            let key = key.into();
            (ItemKey { kind, key }, Arc::from(text.get()))
        });
        Ok(Self(items.collect()))
    }

    /// Adds or replaces an item under the key that its text has. `None`, and nothing done, if it has none.
    pub fn insert(&mut self, kind: Kind, text: impl Into<Arc<str>>) -> Option<ItemKey> {
        let text = text.into();
        let key = serde_json::from_str::<ItemHeader>(&text).ok()?.key?;
        let key = ItemKey {
            kind,
            key: key.into(),
        };
        self.insert_as(key.clone(), text);
        Some(key)
    }

    /// Adds or replaces an item, whatever its text is.
    pub fn insert_as(&mut self, key: ItemKey, text: impl Into<Arc<str>>) {
        self.0.insert(key, text.into());
    }

    /// Takes an item out.
    pub fn remove(&mut self, key: &ItemKey) -> Option<Arc<str>> {
        self.0.remove(key)
    }

    /// An item's text.
    pub fn get(&self, key: &ItemKey) -> Option<&Arc<str>> {
        self.0.get(key)
    }

    /// The version in an item's text.
    pub fn version(&self, key: &ItemKey) -> Option<u64> {
        serde_json::from_str::<ItemHeader>(self.get(key)?)
            .ok()?
            .version
    }

    /// Every item, flags first, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&ItemKey, &Arc<str>)> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `{"flags":{…},"segments":{…}}`, as polls answer it.
    pub fn to_json(&self) -> String {
        let mut json = String::with_capacity(self.0.values().map(|it| it.len() + 64).sum());
        json.push_str("{\"flags\":");
        self.push(Kind::Flag, &mut json);
        json.push_str(",\"segments\":");
        self.push(Kind::Segment, &mut json);
        json.push('}');
        json
    }

    /// A `put` event's data.
    pub fn to_put(&self) -> String {
        format!(r#"{{"path":"/","data":{}}}"#, self.to_json())
    }

    fn push(&self, kind: Kind, json: &mut String) {
        json.push('{');
        let mut items = self.0.iter().filter(|(key, _)| key.kind == kind).peekable();
        while let Some((key, text)) = items.next() {
            json.push_str(&serde_json::Value::from(&*key.key).to_string());
            json.push(':');
            json.push_str(text);
            if items.peek().is_some() {
                json.push(',');
            }
        }
        json.push('}');
    }
}

impl FromIterator<(ItemKey, Arc<str>)> for Items {
    fn from_iter<T: IntoIterator<Item = (ItemKey, Arc<str>)>>(items: T) -> Self {
        Self(items.into_iter().collect())
    }
}

/// The path of an item in `patch` and `delete` events.
pub(super) fn path(key: &ItemKey) -> String {
    let kind = match key.kind {
        Kind::Flag => "flags",
        Kind::Segment => "segments",
    };
    format!("/{kind}/{}", key.key)
}
