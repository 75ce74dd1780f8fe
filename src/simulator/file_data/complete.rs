//! Adds what a file leaves out and LaunchDarkly would send. Every other byte stays as it is.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::model::{ItemKey, Kind};

/// The members that an object must have, and the lists in it whose objects must have some too.
struct ObjectShape {
    defaults: &'static [(&'static str, &'static str)],
    lists: &'static [(&'static str, &'static Self)],
}

const FLAG: ObjectShape = ObjectShape {
    defaults: &[
        ("version", "1"),
        ("on", "false"),
        ("prerequisites", "[]"),
        ("targets", "[]"),
        ("contextTargets", "[]"),
        ("rules", "[]"),
        ("fallthrough", r#"{"variation":0}"#),
        ("offVariation", "null"),
        ("variations", "[]"),
        (
            "clientSideAvailability",
            r#"{"usingMobileKey":false,"usingEnvironmentId":false}"#,
        ),
        ("clientSide", "false"),
        ("salt", r#""""#),
        ("trackEvents", "false"),
        ("trackEventsFallthrough", "false"),
        ("debugEventsUntilDate", "null"),
        ("deleted", "false"),
    ],
    lists: &[("rules", &FLAG_RULE)],
};

const SEGMENT: ObjectShape = ObjectShape {
    defaults: &[
        ("version", "1"),
        ("included", "[]"),
        ("excluded", "[]"),
        ("includedContexts", "[]"),
        ("excludedContexts", "[]"),
        ("salt", r#""""#),
        ("rules", "[]"),
        ("unbounded", "false"),
        ("generation", "null"),
        ("deleted", "false"),
    ],
    lists: &[("rules", &SEGMENT_RULE)],
};

const FLAG_RULE: ObjectShape = ObjectShape {
    defaults: &[("clauses", "[]"), ("trackEvents", "false")], // without it Rust's SDK does not read the flag
    lists: &[("clauses", &CLAUSE)],
};

const SEGMENT_RULE: ObjectShape = ObjectShape {
    defaults: &[("clauses", "[]")],
    lists: &[("clauses", &CLAUSE)],
};

const CLAUSE: ObjectShape = ObjectShape {
    defaults: &[("attribute", r#""""#), ("negate", "false")],
    lists: &[],
};

/// The members of an object in the order of the text; values are slices of it.
pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// `None` if the text is no object.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The last one of this name counts, as in every reader.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().rev().find(|(it, _)| it == name);
        found.map(|(_, value)| *value)
    }
}

impl<'a, 'de: 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// The item with everything that strict readers demand. `None` if the text is no object.
pub(super) fn complete(key: &ItemKey, text: &str) -> Option<String> {
    let shape = match key.kind {
        Kind::Flag => &FLAG,
        Kind::Segment => &SEGMENT,
    };
    let members = Members::of(text)?;
    let mut additions = Vec::new();
    if members.get("key").is_none() {
        let name = serde_json::Value::from(&*key.key);
        additions.push((closing_brace(text), format!(r#""key":{name}"#)));
    }
    look_into(text, text, shape, &mut additions);
    Some(insert(text, additions))
}

/// The item with this version instead of its own, which it must have.
pub(super) fn with_version(text: &str, version: u64) -> String {
    let Some(old) = Members::of(text).and_then(|it| it.get("version")) else {
        return text.into();
    };
    let start = offset(text, old.get());
    let end = start + old.get().len();
    format!("{}{version}{}", &text[..start], &text[end..])
}

/// Collects what `object`, a part of `text`, lacks, by where in `text` it has to go.
fn look_into(text: &str, object: &str, shape: &ObjectShape, additions: &mut Vec<(usize, String)>) {
    let Some(members) = Members::of(object) else {
        return;
    };
    for (name, list) in shape.lists {
        let objects = members
            .get(name)
            .and_then(|it| serde_json::from_str::<Vec<&RawValue>>(it.get()).ok());
        for object in objects.into_iter().flatten() {
            look_into(text, object.get(), list, additions);
        }
    }
    let end = offset(text, object) + closing_brace(object);
    for (name, value) in shape.defaults {
        if members.get(name).is_none() {
            additions.push((end, format!(r#""{name}":{value}"#)));
        }
    }
}

/// Puts members before closing braces, after a comma unless the object was empty.
fn insert(text: &str, mut additions: Vec<(usize, String)>) -> String {
    // Stable: what goes to one place stays in order.
    additions.sort_by_key(|(at, _)| *at);
    let mut whole = String::with_capacity(text.len() + 256);
    let mut done = 0;
    for (at, member) in additions {
        whole.push_str(text[done..at].trim_end());
        done = at;
        if !whole.ends_with('{') {
            whole.push(',');
        }
        whole.push_str(&member);
    }
    whole.push_str(&text[done..]);
    whole
}

fn closing_brace(object: &str) -> usize {
    object.rfind('}').unwrap_or(object.len())
}

/// Where `part`, a slice of `text`, begins.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr().addr() - text.as_ptr().addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays_and_what_lacks_is_added() {
        let text = r#"{ "on": true , "x":1E2,
  "rules": [ {"clauses":[{"op":"in","values":[]}, {"op":"in","negate":true}] } , {} ]
}"#;
        let whole = complete(&ItemKey::flag("a"), text).unwrap();
        assert!(
            whole.starts_with(
                r#"{ "on": true , "x":1E2,
  "rules": [ {"clauses":[{"op":"in","values":[],"attribute":"","negate":false}, {"op":"in","negate":true,"attribute":""}],"trackEvents":false} , {"clauses":[],"trackEvents":false} ],"key":"a","version":1,"prerequisites":[],"#
            ),
            "{whole}"
        );
        assert!(Members::of(&whole).is_some(), "{whole}");
        assert_eq!(complete(&ItemKey::flag("a"), &whole).unwrap(), whole);
    }

    #[test]
    fn an_empty_object_becomes_whole() {
        let whole = complete(&ItemKey::segment("a"), " { } ").unwrap();
        assert!(whole.starts_with(r#" {"key":"a","version":1,"#), "{whole}");
        assert!(Members::of(&whole).is_some(), "{whole}");
        assert!(complete(&ItemKey::segment("a"), "[]").is_none());
    }

    #[test]
    fn only_the_version_changes() {
        let text = r#"{"version": 7 ,"rules":[{"version":7}]}"#;
        assert_eq!(
            with_version(text, 12),
            r#"{"version": 12 ,"rules":[{"version":7}]}"#
        );
    }
}
