//! What the documents name is there: settings, metrics, files and commands; and what they show as settings is accepted.

#![expect(
    clippy::expect_used,
    reason = "what reads the project's files may fail as a test does"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser as _};
use ld_dynamodb_relay::cli::Cli;
use ld_dynamodb_relay::config::{Sources, load};
use ld_dynamodb_relay::metrics::Metrics;

const README: &str = include_str!("../README.md");
const DOCUMENTS: &[(&str, &str)] = &[
    ("README.md", README),
    ("ARCHITECTURE.md", include_str!("../ARCHITECTURE.md")),
    ("CHANGELOG.md", include_str!("../CHANGELOG.md")),
    ("CONTRIBUTING.md", include_str!("../CONTRIBUTING.md")),
    ("docs/archive.md", include_str!("../docs/archive.md")),
    (
        "docs/configuration.md",
        include_str!("../docs/configuration.md"),
    ),
    ("docs/logs.md", include_str!("../docs/logs.md")),
    ("docs/metrics.md", include_str!("../docs/metrics.md")),
    ("docs/migrating.md", include_str!("../docs/migrating.md")),
    ("docs/reading.md", include_str!("../docs/reading.md")),
    ("docs/runbook.md", include_str!("../docs/runbook.md")),
    ("docs/simulator.md", include_str!("../docs/simulator.md")),
    ("docs/status.md", include_str!("../docs/status.md")),
    ("docs/webhooks.md", include_str!("../docs/webhooks.md")),
    (
        "deploy/ecs/README.md",
        include_str!("../deploy/ecs/README.md"),
    ),
    (
        "examples/lambda/README.md",
        include_str!("../examples/lambda/README.md"),
    ),
];
const SETTINGS: &str = include_str!("../docs/configuration.md");
const PREFIX: &str = "ld_dynamodb_";

/// In capitals, and no settings of ours.
const NO_SETTINGS: &[&str] = &[
    // What a failed condition of DynamoDB returns.
    "ALL_OLD",
    // What SDKs call an evaluation that failed.
    "CLIENT_NOT_READY",
    "EXCEPTION",
    "FLAG_NOT_FOUND",
    // What readers of the table are told.
    "AWS_ENDPOINT_URL_DYNAMODB",
    "CACHE_SECONDS",
    "PREFIX",
    // What tests are told.
    "FUZZ_SECONDS",
    // What the status says of connections.
    "ERROR_RESPONSE",
    "INITIALIZING",
    "INTERRUPTED",
    "INVALID_DATA",
    "NETWORK_ERROR",
    "VALID",
    // Signals.
    "SIGINT",
    "SIGTERM",
    // What `make` is told about AWS.
    "IMAGE",
    "SUBNETS",
    "PARAMETERS",
    "CONFIRM_REMOVALS",
];
/// Files that are the reader's, or within an archive.
const READERS_FILES: &[&str] = &["relay.toml", "flags.json", "ID.json", "ID-data.json"];
/// What stands before options besides our own commands.
const PROGRAMS: &[&str] = &[
    "aws",
    "cargo",
    "cp",
    "curl",
    "docker",
    "ld-dynamodb-relay",
    "make",
];

/// The fenced blocks in this language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let open = text.split(&fence).skip(1);
    open.filter_map(|rest| rest.split_once("\n```"))
        .map(|(block, _)| block.replace("\\\n", " "))
        .collect()
}

/// What stands between backticks outside of fenced blocks.
fn spans(text: &str) -> Vec<&str> {
    let outside = text.split("```").step_by(2);
    outside
        .flat_map(|part| part.split('`').skip(1).step_by(2))
        .collect()
}

/// Lines of commands, without what is a comment, and the spans that look like such.
fn command_lines(text: &str) -> Vec<String> {
    let shown = blocks(text, "sh");
    let shown = shown.iter().flat_map(|block| block.lines());
    let shown = shown.map(|line| line.split(" # ").next().unwrap_or(line));
    shown
        .chain(spans(text))
        .map(|line| line.trim().to_owned())
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `src`.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the project can be read") {
        let path = entry.expect("an entry of it can be read").path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Asserts that `wrong` finds nothing in any document, and something in `example`.
#[track_caller]
fn check(example: &str, wrong: impl Fn(&str) -> Vec<String>) {
    assert!(!wrong(example).is_empty(), "nothing found in: {example}");
    let findings: Vec<_> = DOCUMENTS
        .iter()
        .flat_map(|(name, text)| {
            wrong(text)
                .into_iter()
                .map(move |finding| format!("{name}: {finding}"))
        })
        .collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[track_caller]
fn is_accepted(file: Option<&str>, variables: BTreeMap<String, String>) {
    let settings = Path::new("relay.toml");
    let read = |path: &Path| match file {
        Some(text) if path == settings => Ok(text.to_owned()),
        // The files that hold secrets.
        _ => Ok("sdk-00000000-0000-0000-0000-000000000000".to_owned()),
    };
    let loaded = load(&Sources {
        file: file.map(|_| settings.to_owned()),
        allow_missing_file: false,
        variables,
        read: if file.is_some() {
            &read
        } else {
            &|_| Err(std::io::Error::from(std::io::ErrorKind::NotFound))
        },
    });
    let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, Vec::<String>::new(), "{file:?}");
    assert!(
        loaded.config.is_ok(),
        "{file:?}: {}",
        loaded.config.err().expect("it is an error")
    );
}

/// The variables that a block of commands sets.
fn variables(block: &str) -> BTreeMap<String, String> {
    block
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .filter(|(name, _)| name.starts_with(|letter: char| letter.is_ascii_uppercase()))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_settings_that_are_shown_are_accepted() {
    let mut shown = [0, 0];
    for (_, text) in DOCUMENTS {
        for block in blocks(text, "toml") {
            is_accepted(Some(&block), BTreeMap::new());
            shown[0] += 1;
        }
        for block in blocks(text, "sh") {
            let variables = variables(&block);
            if variables.keys().any(|name| name.starts_with("LD_ENV_")) {
                is_accepted(None, variables);
                shown[1] += 1;
            }
        }
    }
    assert!(shown.iter().all(|count| *count > 0), "{shown:?}");
}

#[test]
fn every_setting_that_is_named_is_documented() {
    let is_setting = |name: &str| {
        name.len() > 3
            && name.replace("<name>", "").chars().all(|letter| {
                letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_'
            })
    };
    // Several may be documented by how they begin.
    let is_documented = |name: &str| {
        spans(SETTINGS)
            .into_iter()
            .any(|span| match span.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => span == name,
            })
    };
    check("`NO_SUCH_SETTING=true`", |text| {
        spans(text)
            .into_iter()
            .map(|span| span.split('=').next().unwrap_or(span))
            .filter(|name| is_setting(name) && !NO_SETTINGS.contains(name))
            .filter(|name| !is_documented(name))
            .map(|name| format!("docs/configuration.md has no `{name}`"))
            .collect()
    });
}

#[test]
fn every_metric_that_is_named_is_there() {
    let families = Metrics::families(PREFIX);
    let known = |word: &str| {
        let mut ends = ["_bucket", "_count", "_sum"].iter();
        let base = ends.find_map(|end| word.strip_suffix(end));
        let base = base.unwrap_or(word);
        families
            .iter()
            .any(|(name, family, _)| name == word || name == base && family.kind == "histogram")
    };
    check("ld_dynamodb_no_such_metric > 0", |text| {
        text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
            .filter(|word| word.starts_with(PREFIX) && *word != PREFIX)
            .filter(|word| !known(word))
            .map(|word| format!("there is no metric {word}"))
            .collect()
    });
}

#[test]
fn every_file_that_is_named_is_there() {
    const ENDINGS: &[&str] = &["rs", "md", "toml", "json", "yml", "py"];
    const FOLDERS: &[&str] = &["src/", "tests/", "docs/", "deploy/", ".ci/", ".github/"];
    let mut code = Vec::new();
    sources(&root().join("src"), &mut code);
    let is_path = |span: &&str| {
        let plain = span
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "_.-/".contains(letter));
        let ending = span.rsplit_once('.').map_or("", |(_, ending)| ending);
        let settled = !span.starts_with('.') || FOLDERS.iter().any(|it| span.starts_with(it));
        plain
            && settled
            && (ENDINGS.contains(&ending) || FOLDERS.iter().any(|it| span.starts_with(it)))
    };
    // A file of the code may be named by the end of its path.
    let is_there = |path: &str| {
        READERS_FILES.contains(&path)
            || root().join(path).exists()
            || root().join("docs").join(path).exists()
            || root().join("deploy/ecs").join(path).exists()
            || code.iter().any(|file| file.ends_with(path))
    };
    check("`tests/no_such_test.rs`", |text| {
        let links = text.split("](").skip(1);
        let links = links.filter_map(|rest| rest.split(')').next());
        spans(text)
            .into_iter()
            .chain(links)
            .filter(|path| is_path(&path.trim_start_matches("../")))
            .filter(|path| !is_there(path))
            .map(|path| format!("there is no {path}"))
            .collect()
    });
}

#[test]
fn every_command_that_is_named_is_understood() {
    let cli = Cli::command();
    let commands: Vec<_> = cli.get_subcommands().map(clap::Command::get_name).collect();
    check("`ld-dynamodb-relay sync --no-such-option`", |text| {
        let mut wrong = Vec::new();
        for line in command_lines(text) {
            // Variables may stand before a command.
            let sets = |word: &&str| {
                let name = word.split_once('=').map_or("", |(name, _)| name);
                !name.is_empty() && name.chars().all(|it| it.is_ascii_uppercase() || it == '_')
            };
            let words: Vec<_> = line.split_whitespace().skip_while(sets).collect();
            let ours = match words.as_slice() {
                ["cargo", "run", "--release", "--", rest @ ..]
                | ["ld-dynamodb-relay", rest @ ..] => rest,
                [first, ..] if commands.contains(first) => &words,
                [first, rest @ ..] => {
                    // Options of our own may be named by themselves.
                    let options = rest.iter().any(|word| word.starts_with("--"));
                    if options && !PROGRAMS.contains(first) && !first.starts_with("--") {
                        wrong.push(format!("`{first}` is no command"));
                    }
                    continue;
                }
                [] => continue,
            };
            let ours = ours
                .iter()
                .map(|word| if *word == "N" { "1" } else { word });
            let asked = std::iter::once("ld-dynamodb-relay").chain(ours);
            if let Err(error) = Cli::try_parse_from(asked) {
                wrong.push(format!("{line}: {error}"));
            }
        }
        wrong
    });
    for command in cli.get_subcommands().filter(|it| !it.is_hide_set()) {
        let name = command.get_name();
        let named = command_lines(README)
            .iter()
            .any(|line| line.split_whitespace().any(|word| word == name));
        assert!(named, "README.md does not name `{name}`");
    }
}

#[test]
fn every_target_of_make_that_is_named_is_there() {
    let makefile = ["Makefile", "deploy/ecs/Makefile"]
        .map(|path| fs::read_to_string(root().join(path)).expect("there is a Makefile"));
    let makefile = makefile.concat();
    check("`make no-such-target`", |text| {
        let lines = command_lines(text);
        let targets = lines.iter().filter_map(|line| line.strip_prefix("make "));
        targets
            .filter_map(|rest| rest.split_whitespace().next())
            .filter(|target| !makefile.contains(&format!("\n{target}:")))
            .map(|target| format!("there is no target {target}"))
            .collect()
    });
}
