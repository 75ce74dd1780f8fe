//! Writers that are broken on purpose: readers see it, so the comparison can fail.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ld_dynamodb_relay::model::{Item, ItemKey, Kind};
use ld_dynamodb_relay::simulator::file_data::Step;
use serde_json::value::RawValue;

use super::reader::Reader;
use super::table::Table;
use super::world::{self, Contexts, Environment};
use super::writer::{Encode, Writer, as_it_came};

/// What a writer makes of changes before it stores them.
type Alter = fn(Vec<Step>) -> Vec<Step>;

/// The flags that each reader disagrees about with its stream, once this writer has stored the fixture and these changes.
async fn disagreements(
    encode: Encode,
    steps: Vec<Step>,
    alter: Alter,
) -> BTreeMap<Reader, BTreeSet<String>> {
    let launchdarkly = world::launchdarkly().await;
    let table = Table::create().await;
    let (flags, contexts) = (world::fixture(), Contexts::All);
    let mut environment = Environment::new(&launchdarkly, "fixture", flags, contexts);

    let writer = Writer::new(&table, environment.prefix, encode);
    writer.fill(&environment.items()).await;
    environment.storm(&steps);
    for step in alter(steps) {
        writer.apply(&step).await;
    }

    let mut found = BTreeMap::new();
    for reader in Reader::ALL {
        let (_, differences) = reader.compare(&environment, &table).await;
        found.insert(reader, differences.flags);
    }
    table.remove().await;
    found
}

fn storm() -> Vec<Step> {
    world::storm_over(&world::fixture())
}

/// Every reader disagrees about just these flags.
fn everyone_about(flags: &[&str]) -> BTreeMap<Reader, BTreeSet<String>> {
    let flags: BTreeSet<_> = flags.iter().map(ToString::to_string).collect();
    Reader::ALL.map(|reader| (reader, flags.clone())).into()
}

#[tokio::test]
async fn nobody_disagrees_with_a_writer_that_stores_what_was_said() {
    let found = disagreements(as_it_came, storm(), |it| it).await;
    assert_eq!(found, everyone_about(&[]));
}

#[tokio::test]
async fn a_writer_that_loses_an_update_is_seen() {
    fn all_but_one(mut steps: Vec<Step>) -> Vec<Step> {
        let lost = ItemKey::flag("max-upload-mb");
        steps.retain(|step| !matches!(step, Step::Put(key, _) if *key == lost));
        steps
    }
    let found = disagreements(as_it_came, storm(), all_but_one).await;
    assert_eq!(found, everyone_about(&["max-upload-mb"]));
}

/// Go's SDK reads `\ud83d\ude80` as two replacement characters, from the stream as from a table. So what LaunchDarkly sends
/// escaped has to stay escaped, and what it sends as it is has to stay as it is.
#[tokio::test]
async fn a_writer_that_escapes_is_seen_by_go() {
    let found = disagreements(escaped, Vec::new(), |it| it).await;
    let mut expected = everyone_about(&[]);
    expected.insert(
        Reader::Go,
        ["astral-literal".into(), "banner-text".into()].into(),
    );
    assert_eq!(found, expected);
}

/// The other way round: escapes become characters, as they do wherever JSON is read and written again.
#[tokio::test]
async fn a_writer_that_unescapes_is_seen_by_go() {
    let found = disagreements(encoded_again, Vec::new(), |it| it).await;
    assert_eq!(found[&Reader::Go], ["astral-escaped".into()].into());
}

#[tokio::test]
async fn a_writer_whose_model_is_older_is_seen() {
    let found = disagreements(without_context_targets, Vec::new(), |it| it).await;
    assert_eq!(found, everyone_about(&["checkout-redesign"]));
}

#[tokio::test]
async fn a_writer_whose_tombstones_read_as_flags_is_seen() {
    fn living(steps: Vec<Step>) -> Vec<Step> {
        let living = steps.into_iter().map(|step| match step {
            Step::Put(..) => step,
            Step::Delete(key, version) => {
                let tombstone = Item::tombstone(&key, version).text;
                let living = tombstone.replace(r#""deleted":true"#, r#""deleted":false"#);
                Step::Put(key, living)
            }
        });
        living.collect()
    }
    let deleted = storm();
    let deleted: Vec<_> = deleted
        .iter()
        .filter_map(|step| match step {
            // The first item comes back.
            Step::Delete(key, _) if key.kind == Kind::Flag && &*key.key != "astral-escaped" => {
                Some(&*key.key)
            }
            _ => None,
        })
        .collect();
    assert!(deleted.len() >= 3, "{deleted:?}");
    let found = disagreements(as_it_came, storm(), living).await;
    assert_eq!(found, everyone_about(&deleted));
}

/// As Python's `json.dumps` does it: a character beyond the basic plane becomes two escapes.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if character.len_utf16() == 1 {
            escaped.push(character);
        } else {
            for half in character.encode_utf16(&mut [0; 2]) {
                write!(escaped, "\\u{half:04x}").unwrap();
            }
        }
    }
    escaped
}

fn encoded_again(text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    value.to_string()
}

fn without_context_targets(text: &str) -> String {
    let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).unwrap();
    members.remove("contextTargets");
    serde_json::to_string(&members).unwrap()
}
