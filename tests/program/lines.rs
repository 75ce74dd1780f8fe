//! Every line that the code can write is documented, with its level and its members, and the other way round.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::schema::Schema;

const LEVELS: [&str; 4] = ["error", "warn", "info", "debug"];
/// Messages that are put together, and what comes of them.
const MADE: [(&str, &[&str]); 1] = [("{action}", &["stored", "deleted", "removed"])];
/// What `run` has nothing to do with.
const OTHERS: [&str; 4] = [
    "src/simulator",
    "commands/demo",
    "commands/demo.rs",
    "commands/simulate.rs",
];
/// What the span around it adds.
const SPANNED: &str = "environment";

/// A line that the code can write.
#[derive(Debug, PartialEq)]
struct Written {
    level: &'static str,
    message: String,
    members: BTreeSet<String>,
}

/// Those of a file.
fn written(code: &str) -> Vec<Written> {
    let mut found = Vec::new();
    for level in LEVELS {
        let start = format!("{level}!(");
        for (at, _) in code.match_indices(&start) {
            // `tracing::info!` and `info!`, not `my_info!`.
            let before = code[..at].chars().next_back();
            if before.is_some_and(|it| it.is_alphanumeric() || it == '_') {
                continue;
            }
            let (mut message, mut members) = (None, BTreeSet::new());
            for argument in arguments(&code[at + start.len()..]) {
                if message.is_some() {
                    panic!("{level}: arguments behind the message: {argument}");
                } else if let Some(text) = argument.strip_prefix('"') {
                    message = Some(text.trim_end_matches('"').to_owned());
                } else {
                    let name = argument.split('=').next().unwrap().trim();
                    let name = name.trim_start_matches(['%', '?']).trim_start_matches("r#");
                    members.insert(name.to_owned());
                }
            }
            let message = message.unwrap_or_else(|| panic!("no message: {members:?}"));
            // A literal may be broken by a backslash.
            let parts = message.split("\\\n").enumerate();
            let parts = parts.map(|(at, part)| if at == 0 { part } else { part.trim_start() });
            let message = parts.collect();
            found.push(Written {
                level,
                message,
                members,
            });
        }
    }
    found
}

/// What stands between the commas of a macro, up to its closing parenthesis.
fn arguments(code: &str) -> Vec<String> {
    let (mut found, mut now) = (Vec::new(), String::new());
    let (mut deep, mut quoted, mut escaped) = (0, false, false);
    for letter in code.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '{' | '[' => deep += 1,
            ')' if deep == 0 => break,
            ')' | '}' | ']' => deep -= 1,
            ',' if deep == 0 => {
                found.push(std::mem::take(&mut now));
                continue;
            }
            _ => {}
        }
        now.push(letter);
    }
    found.push(now);
    let found = found.iter().map(|it| it.trim().to_owned());
    found.filter(|it| !it.is_empty()).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_string_lossy().into_owned();
        if OTHERS.iter().any(|it| name.ends_with(it)) {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn what_a_macro_writes_is_read_from_the_code() {
    let code = r#"
        tracing::info!(%kind, key = f("a, )", [1, 2]), r#type = x.y(), "said: it\
                       is so");
        my_warn!("no");
    "#;
    let expected = Written {
        level: "info",
        message: "said: itis so".to_owned(),
        members: ["key", "kind", "type"].map(str::to_owned).into(),
    };
    assert_eq!(written(code), [expected]);
}

#[test]
fn the_code_and_the_document_have_the_same_lines() {
    let schema = Schema::documented();
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let (mut faults, mut seen) = (Vec::new(), BTreeSet::new());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for line in written(&text) {
            let made = MADE.iter().find(|(made, _)| *made == line.message);
            let messages = made.map_or(vec![&*line.message], |(_, messages)| messages.to_vec());
            for message in messages {
                seen.insert((message.to_owned(), line.level.to_owned()));
                let Some(known) = schema.lines.get(message) else {
                    faults.push(format!("{}: `{message}` is not documented", file.display()));
                    continue;
                };
                let all: BTreeSet<_> = known.required.union(&known.optional).cloned().collect();
                let mut members = line.members.clone();
                let own_environment = members.contains(SPANNED) || !all.contains(SPANNED);
                members.extend((!own_environment).then(|| SPANNED.to_owned()));
                // `removed` has no new version: the field is there and empty.
                let missing = known.required.difference(&members).count();
                if made.is_none() && members != all || missing > 0 {
                    faults.push(format!(
                        "`{message}` has {members:?}, documented are {all:?}"
                    ));
                }
            }
        }
    }
    let documented: BTreeSet<_> = schema
        .lines
        .iter()
        .flat_map(|(message, line)| {
            line.levels
                .iter()
                .map(|level| (message.clone(), level.clone()))
        })
        .collect();
    let differing: Vec<_> = documented.symmetric_difference(&seen).collect();
    assert_eq!((faults, differing), (vec![], vec![]));
}
