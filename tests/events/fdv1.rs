//! Frames to what is desired.

use std::time::Duration;

use ld_dynamodb_relay::launchdarkly::fdv1::{Malformed, Said, Unknown, full, read};
use ld_dynamodb_relay::launchdarkly::sse::Frame;
use ld_dynamodb_relay::model::{Applied, Content, Desired, ItemFault as Fault, ItemKey};
use proptest::prelude::*;
use serde_json::Value;
use tokio::time::Instant;

use crate::streams::{LIMIT, cut, decode};

/// What a stream amounts to.
#[derive(Default)]
struct Heard {
    desired: Option<Desired>,
    ignored: Vec<String>,
    malformed: Vec<Malformed>,
    events: Vec<String>,
    retry: Option<u64>,
}

fn hear(chunks: &[&[u8]]) -> Heard {
    let (frames, end) = decode(chunks, LIMIT);
    assert_eq!(end, Ok(()));
    let (now, mut heard) = (Instant::now(), Heard::default());
    for frame in frames {
        let (name, data) = match frame {
            Frame::Event { name, data } => (name, data),
            Frame::Retry(delay) => {
                heard.retry = Some(delay);
                continue;
            }
            Frame::Comment => continue,
        };
        heard.events.push(name.clone());
        match (read(&name, &data), &mut heard.desired) {
            (Ok(Said::Full(items)), None) => heard.desired = Some(Desired::new(items, now)),
            (Ok(Said::Full(items)), Some(desired)) => {
                desired.replace(items, now, now + Duration::from_mins(15));
            }
            (Ok(Said::Newer(key, item)), Some(desired)) => {
                let version = item.version();
                if desired.apply_newer(key.clone(), item) != Applied::Yes {
                    heard
                        .ignored
                        .push(format!("{name} {} v{}", key.key, version.unwrap()));
                }
            }
            (Ok(Said::Unknown(unknown)), _) => heard.ignored.push(format!("{name} {unknown:?}")),
            (Err(malformed), _) => heard.malformed.push(malformed),
            (Ok(other), _) => panic!("{other:?}"),
        }
    }
    heard
}

/// Versions and tombstones, as `fdv1-expected.json` has them.
fn versions(desired: &Desired) -> Value {
    let mut found = serde_json::json!({ "flags": {}, "segments": {} });
    for (key, item) in &desired.items {
        let version =
            serde_json::json!({ "version": item.version(), "deleted": item.is_tombstone() });
        found[format!("{}s", key.kind.label())][&*key.key] = version;
    }
    found
}

fn expected() -> Value {
    serde_json::from_str(include_str!("../fixtures/fdv1-expected.json")).unwrap()
}

const ORDINARY: &[u8] = include_bytes!("../fixtures/fdv1-events.sse");
const HOSTILE: &[u8] = include_bytes!("../fixtures/fdv1-hostile.sse");

proptest! {
    #[test]
    fn the_transcripts_mean_the_same_however_they_are_cut(at in prop::collection::vec(any::<prop::sample::Index>(), 0..50)) {
        let heard = hear(&cut(ORDINARY, &at));
        let wanted = expected();
        let found = versions(heard.desired.as_ref().unwrap());
        prop_assert_eq!((&found["flags"], &found["segments"]), (&wanted["flags"], &wanted["segments"]));
        prop_assert_eq!(heard.malformed, []);
        prop_assert_eq!(heard.ignored, [
            "patch premium-export v12", "patch premium-export v13", "delete banner-text v5", "patch never-seen v6",
            "patch Path", "delete Path", "brand-new-thing Event",
        ]);

        let heard = hear(&cut(HOSTILE, &at));
        let wanted = &wanted["hostileTranscript"];
        let found = versions(heard.desired.as_ref().unwrap());
        prop_assert_eq!((&found["flags"], &found["segments"]), (&wanted["flags"], &wanted["segments"]));
        prop_assert_eq!(serde_json::json!(heard.events), wanted["events"].clone());
        prop_assert_eq!(heard.retry, wanted["reconnectBaseDelayMs"].as_u64());
        prop_assert_eq!(heard.malformed, []);
    }

    #[test]
    fn no_text_makes_it_panic(
        event in prop::sample::select(vec!["put", "patch", "delete", "indirect/put", "x"]),
        data in prop_oneof![
            any::<String>(),
            "[{}\\[\\]\":,0-9a-z/\\\\]{0,40}",
            "\\{\"path\":\"/flags/[a-z]{0,3}\",\"(data|version)\":[0-9{}\"a-z:\\[\\]-]{0,20}\\}",
        ],
    ) {
        drop(read(event, &data));
        drop(full(&data));
    }

    /// A stream that was cut off within an item: nothing of the event is applied.
    #[test]
    fn half_an_event_says_nothing(at in any::<prop::sample::Index>()) {
        let data = include_str!("../fixtures/fdv1-put.json");
        let text = format!(r#"{{"path":"/","data":{data}}}"#);
        let places: Vec<_> = text.char_indices().map(|(at, _)| at).collect();
        let half = &text[..*at.get(&places)];
        prop_assert!(matches!(read("put", half), Err(Malformed::Json("put"))));
    }
}

fn item<'a>(said: &'a Said, key: &ItemKey) -> Option<&'a Content> {
    match said {
        Said::Full(items) => items.get(key).map(|item| &item.content),
        Said::Newer(of, item) if of == key => Some(&item.content),
        _ => None,
    }
}

#[test]
fn of_a_malformed_event_nothing_is_applied() {
    for (event, data) in [
        ("put", ""),
        ("put", "{"),
        ("put", "[]"),
        ("put", "null"),
        ("put", "{}"),
        ("put", r#"{"path":"/"}"#),
        ("put", r#"{"path":"/","data":null}"#),
        ("put", r#"{"path":"/","data":[]}"#),
        ("put", r#"{"path":"/","data":"x"}"#),
        ("put", r#"{"path":"/","data":{"flags":null}}"#),
        ("put", r#"{"path":"/","data":{"flags":[],"segments":{}}}"#),
        ("put", r#"{"path":"/","data":{"flags":{},"segments":7}}"#),
        ("put", r#"{"path":"/","data":{"flags":{}}} x"#),
        ("put", r#"{"path":7,"data":{}}"#),
        ("patch", "{"),
        ("patch", "7"),
        ("patch", r#"{"data":{"key":"a","version":1}}"#),
        ("patch", r#"{"path":null,"data":{"key":"a","version":1}}"#),
        (
            "patch",
            r#"{"path":["/flags/a"],"data":{"key":"a","version":1}}"#,
        ),
        ("patch", r#"{"path":"/flags/a"}"#),
        ("patch", r#"{"path":"/flags/a","data":null}"#),
        ("patch", r#"{"path":"/flags/a","data":[]}"#),
        ("patch", r#"{"path":"/flags/a","data":{"version":1}}"#),
        (
            "patch",
            r#"{"path":"/flags/a","data":{"key":"b","version":1}}"#,
        ),
        ("patch", r#"{"path":"/flags/a","data":{"key":"a"}}"#),
        (
            "patch",
            r#"{"path":"/flags/a","data":{"key":"a","version":"1"}}"#,
        ),
        (
            "patch",
            r#"{"path":"/flags/a","data":{"key":"a","version":-1}}"#,
        ),
        (
            "patch",
            r#"{"path":"/flags/a","data":{"key":"a","version":1.5}}"#,
        ),
        (
            "patch",
            r#"{"path":"/flags/a","data":{"key":"a","version":null}}"#,
        ),
        ("delete", "{"),
        ("delete", r#"{"version":1}"#),
        ("delete", r#"{"path":"/flags/a"}"#),
        ("delete", r#"{"path":"/flags/a","version":null}"#),
        ("delete", r#"{"path":"/flags/a","version":"1"}"#),
        ("delete", r#"{"path":"/flags/a","version":-1}"#),
        ("delete", r#"{"path":"/flags/a","version":1.5}"#),
    ] {
        let said = read(event, data);
        let malformed = said.err().unwrap_or_else(|| panic!("{event} {data}"));
        assert!(malformed.to_string().starts_with(event), "{malformed}");
    }
}

#[test]
fn what_we_do_not_know_is_ignored() {
    let is = |event: &str, data: &str, unknown| matches!(read(event, data), Ok(Said::Unknown(found)) if found == unknown);
    for event in ["message", "ping", "Put", "put ", ""] {
        assert!(is(event, "this is not JSON", Unknown::Event), "{event}");
    }
    for path in [
        "/",
        "/flags",
        "/flags/",
        "/segments/",
        "/ai-configs/x",
        "flags/a",
        "/Flags/a",
        "",
    ] {
        let text = format!(r#"{{"path":"{path}","data":{{"strange":[]}},"version":"strange"}}"#);
        assert!(is("patch", &text, Unknown::Path), "{path}");
        assert!(is("delete", &text, Unknown::Path), "{path}");
    }
    assert!(is(
        "put",
        r#"{"path":"/flags","data":"strange"}"#,
        Unknown::Path
    ));
    assert!(matches!(read("indirect/put", "x"), Ok(Said::Hint)));
    assert!(matches!(read("indirect/patch", ""), Ok(Said::Hint)));
}

#[test]
fn a_put_is_read_in_every_shape_that_it_has() {
    for path in ["\"path\":\"/\",", "\"path\":\"\",", "\"path\":null,", ""] {
        let text = format!(
            r#"{{{path}"data":{{"flags":{{"a":{{"key":"a","version":1}}}},"new kind":7}},"new":0}}"#
        );
        let said = read("put", &text).unwrap();
        assert_eq!(
            item(&said, &ItemKey::flag("a")),
            Some(&Content::Live { version: 1 }),
            "{path}"
        );
    }
    let said = read(
        "put",
        r#"{"data":{"segments":{"s":{"version":2,"key":"s"}}},"path":"/"}"#,
    )
    .unwrap();
    assert_eq!(
        item(&said, &ItemKey::segment("s")),
        Some(&Content::Live { version: 2 })
    );
    for empty in ["{}", r#"{"flags":{}}"#, r#"{"flags":{},"segments":{}}"#] {
        assert!(full(empty).unwrap().is_empty(), "{empty}");
    }
}

/// A bad item of a set is set aside alone; one that is `null` is absent; of two with one key the last one counts.
#[test]
fn the_items_of_a_put_are_read_one_by_one() {
    let set = full(
        r#"{"flags":{
            "good":{"key":"good","version":1},
            "gone":{"key":"gone","version":3,"deleted":true},
            "null":null,
            "number":7,
            "other":{"key":"another","version":1},
            "none":{"key":"none"},
            "twice":{"key":"twice","version":1},
            "twice":{"key":"twice","version":2,"version":3},
            "withdrawn":{"key":"withdrawn","version":1},
            "withdrawn":null,
            "":{"key":"","version":1},
            "odd":{"k\u0065y":"odd","version":4,"deleted":"yes","prerequisites":7,"unbounded":[]},
            "esc\u0061ped":{"key":"escaped","version":5}
        }}"#,
    )
    .unwrap();
    let content = |key: &str| set.get(&ItemKey::flag(key)).map(|item| item.content);
    assert_eq!(content("good"), Some(Content::Live { version: 1 }));
    assert_eq!(content("gone"), Some(Content::Tombstone { version: 3 }));
    assert_eq!(content("null"), None);
    assert_eq!(
        content("number"),
        Some(Content::Malformed(Fault::NotAnObject))
    );
    assert_eq!(content("other"), Some(Content::Malformed(Fault::OtherKey)));
    assert_eq!(content("none"), Some(Content::Malformed(Fault::NoVersion)));
    assert_eq!(content("twice"), Some(Content::Live { version: 3 }));
    assert_eq!(content("withdrawn"), None);
    assert_eq!(content(""), Some(Content::Malformed(Fault::KeyLength)));
    assert_eq!(content("odd"), Some(Content::Live { version: 4 }));
    assert_eq!(content("escaped"), Some(Content::Live { version: 5 }));
    assert_eq!(set.len(), 9);
}

#[test]
fn of_a_kind_that_is_said_twice_the_last_one_counts() {
    let set = full(
        r#"{"flags":{"a":{"key":"a","version":1}},"segments":{"s":{"key":"s","version":1}},"flags":{"b":{"key":"b","version":1}}}"#,
    )
    .unwrap();
    let mut keys: Vec<_> = set.keys().map(|key| &*key.key).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["b", "s"]);
}

/// A poll's body is the set alone: what comes after it is no part of it.
#[test]
fn a_set_with_something_after_it_is_malformed() {
    assert!(full("{\"flags\":{}} \n").is_ok());
    for text in [
        r#"{"flags":{}}}"#,
        r#"{"flags":{}}{"flags":{}}"#,
        r#"{"flags":{}} <html>"#,
    ] {
        assert_eq!(full(text).err(), Some(Malformed::Json("put")), "{text}");
    }
}

#[test]
fn a_path_is_taken_verbatim() {
    for (path, key) in [
        ("/flags/a", ItemKey::flag("a")),
        ("/flags/a/b", ItemKey::flag("a/b")),
        ("/flags/%41", ItemKey::flag("%41")),
        (r"/flags/\u00e9\ud83d\ude80", ItemKey::flag("é🚀")),
        ("/segments//flags/a", ItemKey::segment("/flags/a")),
        (r"\/segments\/a", ItemKey::segment("a")),
    ] {
        let said = read("delete", &format!(r#"{{"version":7,"path":"{path}"}}"#)).unwrap();
        assert_eq!(
            item(&said, &key),
            Some(&Content::Tombstone { version: 7 }),
            "{path}"
        );
    }
    let said = read(
        "patch",
        r#"{"data":{"key":"a","version":3,"deleted":true},"path":"/flags/a"}"#,
    )
    .unwrap();
    assert_eq!(
        item(&said, &ItemKey::flag("a")),
        Some(&Content::Tombstone { version: 3 })
    );
}
