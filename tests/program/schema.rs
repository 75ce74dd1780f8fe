//! The log lines as `docs/logs.md` has them, and whether a line is one of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

const DOCUMENT: &str = include_str!("../../docs/logs.md");
/// What every line has besides its members.
const COMMON: [&str; 3] = ["timestamp", "level", "message"];

/// What a message's line may and must have.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) levels: BTreeSet<String>,
    pub(crate) required: BTreeSet<String>,
    pub(crate) optional: BTreeSet<String>,
}

/// The document.
pub(crate) struct Schema {
    /// The type of each member: `string`, `integer`, `number`, `boolean`, or the words that it may be.
    pub(crate) members: BTreeMap<String, Vec<String>>,
    pub(crate) lines: BTreeMap<String, Line>,
    pub(crate) examples: Vec<Map<String, Value>>,
}

impl Schema {
    pub(crate) fn documented() -> Self {
        let mut schema = Self {
            members: BTreeMap::new(),
            lines: BTreeMap::new(),
            examples: Vec::new(),
        };
        for row in tables("| member | type | says |") {
            let words = ticked(&row[1]);
            let kind = if words.is_empty() {
                vec![row[1].clone()]
            } else {
                words
            };
            let twice = schema.members.insert(ticked(&row[0])[0].clone(), kind);
            assert_eq!(twice, None, "{row:?}");
        }
        for row in tables("| level | message | members | says |") {
            let mut line = Line {
                levels: row[0].split(", ").map(str::to_owned).collect(),
                ..Line::default()
            };
            for member in ticked(&row[2]) {
                match member.strip_suffix('?') {
                    Some(member) => line.optional.insert(member.to_owned()),
                    None => line.required.insert(member),
                };
            }
            let twice = schema.lines.insert(ticked(&row[1])[0].clone(), line);
            assert!(twice.is_none(), "{row:?}");
        }
        for block in DOCUMENT.split("```json\n").skip(1) {
            let block = block.split("\n```").next().unwrap();
            let lines = block.lines().map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            });
            schema.examples.extend(lines);
        }
        schema
    }

    /// What is wrong with a line of ours, or that it is none.
    pub(crate) fn faults(&self, line: &Map<String, Value>) -> Vec<String> {
        let text = |name: &str| line.get(name).and_then(Value::as_str);
        let mut faults = Vec::new();
        for name in COMMON {
            if text(name).is_none() {
                faults.push(format!("no `{name}`"));
            }
        }
        let message = text("message").unwrap_or_default();
        let Some(known) = self.lines.get(message) else {
            faults.push(format!("unknown message `{message}`"));
            return faults;
        };
        let level = text("level").unwrap_or_default();
        if !known.levels.contains(level) {
            faults.push(format!("`{message}` has not the level {level}"));
        }
        for name in known.required.iter().filter(|it| !line.contains_key(*it)) {
            faults.push(format!("`{message}` lacks `{name}`"));
        }
        for (name, value) in line.iter().filter(|(name, _)| !COMMON.contains(&&***name)) {
            if !known.required.contains(name) && !known.optional.contains(name) {
                faults.push(format!("`{message}` does not have `{name}`"));
            }
            if !self
                .members
                .get(name)
                .is_some_and(|kind| is_of(value, kind))
            {
                faults.push(format!("`{name}` of `{message}` is not to be {value}"));
            }
        }
        faults
    }
}

fn is_of(value: &Value, kind: &[String]) -> bool {
    match kind {
        [kind] if kind == "string" => value.is_string(),
        [kind] if kind == "integer" => value.is_u64(),
        [kind] if kind == "number" => value.is_number(),
        [kind] if kind == "boolean" => value.is_boolean(),
        words => value
            .as_str()
            .is_some_and(|it| words.iter().any(|word| word == it)),
    }
}

/// The rows of the tables with this head.
fn tables(head: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for table in DOCUMENT.split(head).skip(1) {
        let body = table
            .lines()
            .skip(2)
            .take_while(|line| line.starts_with('|'));
        rows.extend(body.map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        }));
    }
    assert!(!rows.is_empty(), "{head}");
    rows
}

/// What stands between backticks.
fn ticked(cell: &str) -> Vec<String> {
    let words = cell.split('`').skip(1).step_by(2);
    words.map(str::to_owned).collect()
}

#[test]
fn each_documented_line_has_an_example_that_is_one() {
    let schema = Schema::documented();
    let faults: Vec<_> = schema
        .examples
        .iter()
        .flat_map(|it| schema.faults(it))
        .collect();
    assert_eq!(faults, Vec::<String>::new());
    let shown: BTreeSet<_> = schema
        .examples
        .iter()
        .map(|it| it["message"].as_str().unwrap())
        .collect();
    let known: BTreeSet<_> = schema.lines.keys().map(String::as_str).collect();
    assert_eq!(
        known.symmetric_difference(&shown).collect::<Vec<_>>(),
        Vec::<&&str>::new()
    );
    let used: BTreeSet<_> = schema
        .lines
        .values()
        .flat_map(|line| line.required.iter().chain(&line.optional))
        .collect();
    let told: BTreeSet<_> = schema.members.keys().collect();
    assert_eq!(
        used, told,
        "each member is explained, and none that is nowhere"
    );
}

#[test]
fn what_is_not_documented_is_found() {
    let schema = Schema::documented();
    let good = r#"{"timestamp":"","level":"info","environment":"production","message":"stored","key":"a","kind":"flag","new_version":2}"#;
    let good: Map<String, Value> = serde_json::from_str(good).unwrap();
    assert_eq!(schema.faults(&good), Vec::<String>::new());
    for (member, value) in [
        ("message", "nonsense".into()),
        ("level", "error".into()),
        ("kind", "flags".into()),
        ("key", 7.into()),
        ("new_version", "2".into()),
        ("new_version", 2.5.into()),
        ("unheard_of", "".into()),
    ] {
        let mut bad = good.clone();
        bad.insert(member.to_owned(), value);
        assert_eq!(
            schema.faults(&bad).len(),
            1 + usize::from(member == "unheard_of"),
            "{bad:?}"
        );
    }
    for member in ["timestamp", "environment", "key"] {
        let mut bad = good.clone();
        bad.remove(member);
        assert_eq!(schema.faults(&bad).len(), 1, "{bad:?}");
    }
}
