//! docs/status.md names every field of the status, and no others.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::expect::full;
use crate::world::{World, fresh, good};

const DOCUMENT: &str = include_str!("../../docs/status.md");

/// The paths in the first columns below this heading, as far as the next. A star stands for what is not known beforehand.
fn documented(after: &str) -> BTreeSet<String> {
    let (_, rest) = DOCUMENT.split_once(after).unwrap();
    let rows = rest
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with('#'));
    let first_columns = rows.filter_map(|line| line.strip_prefix("| `")?.split_once(" | "));
    let mut paths = BTreeSet::new();
    for (column, _) in first_columns {
        let column = format!("`{column}");
        paths.extend(column.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    assert!(paths.len() > 5, "{after}: {paths:?}");
    paths
}

/// Where each single value below `at` is.
fn paths(at: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let dot = if at.is_empty() { "" } else { "." };
                paths(&format!("{at}{dot}{name}"), value, found);
            }
        }
        Value::Array(elements) => {
            for value in elements {
                paths(&format!("{at}[]"), value, found);
            }
        }
        _ => {
            found.insert(at.to_owned());
        }
    }
}

/// With what each environment has in `environments.a.b`, as far as `full` worlds show it.
async fn shown() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut whole, mut environment) = (BTreeSet::new(), BTreeSet::new());
    for world in full() {
        let mut status = world.status().await;
        let alone = status["environments"]["a.b"].take();
        status.as_object_mut().unwrap().remove("environments");
        paths("", &status, &mut whole);
        paths("", &alone, &mut environment);
    }
    // An object that is left out leaves `null` behind.
    environment.remove("sync.propagation");
    (whole, environment)
}

#[tokio::test]
async fn what_is_shown_is_documented_and_the_reverse() {
    let (whole, mut environment) = shown().await;
    let reasons = |path: &str| path.starts_with("sync.held.byReason.");
    assert!(environment.iter().any(|it| reasons(it)));
    environment.retain(|it| !reasons(it));
    environment.insert("sync.held.byReason.<reason>".to_owned());

    let mut of_whole = documented("\n## The document");
    let of_environment: BTreeSet<_> = documented("\nOf an environment:");
    of_whole.retain(|it| !of_environment.contains(it) || whole.contains(it));
    assert!(of_whole.remove("environments.<name>"));
    assert_eq!(whole, of_whole);
    assert_eq!(environment, of_environment);
}

/// Also where such a document shows it now.
#[tokio::test]
async fn what_is_documented_can_be_expected() {
    let world = World::new(&[("a", good)]);
    for path in documented("\nOf an environment:") {
        let path = path.replace("[]", "[0]").replace("<reason>", "brake");
        let (code, text) = world.admin(&format!("/status/a?expect={path}=x")).await;
        assert_eq!(code.as_u16(), 412, "{path}: {text}");
    }
}

#[tokio::test]
async fn the_verdict_that_is_documented_is_given() {
    let (_, block) = DOCUMENT.split_once("```json\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let verdict: Value = serde_json::from_str(block).unwrap();
    let clauses = verdict["results"].as_array().unwrap().iter();
    let clauses = clauses.map(|it| format!("expect={}&", it["expr"].as_str().unwrap()));
    let query = clauses.collect::<Vec<_>>().concat();
    let (code, text) = World::new(&[("a", fresh)])
        .work(&format!("/status?{query}"))
        .await;
    assert_eq!(code.as_u16(), 422);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), verdict);
}
