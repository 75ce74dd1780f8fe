//! Rules that nobody has to remember in a review: who knows whom, who may do what, and what stays out.
//!
//! A rule takes one file, or all of them, and tells what it finds. Beside each stands a test that shows it finding something.

#![expect(
    clippy::expect_used,
    reason = "what reads the project's files may fail as a test does"
)]

#[path = "tidy/modules.rs"]
mod modules;
#[path = "tidy/names.rs"]
mod names;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/source.rs"]
mod source;

use std::fs;
use std::path::Path;

use source::Source;

/// Folders that hold what others wrote.
const FOREIGN: &[&str] = &["target", "node_modules", "fixtures", "bin"];

type Rule = fn(&Source) -> Vec<String>;

/// Every text file of the project's, by its path from the top.
fn project() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut sources);
    sources
}

fn collect(folder: &Path, prefix: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder of the project can be read") {
        let entry = entry.expect("an entry of it can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let hidden = name.starts_with('.') && ![".github", ".ci"].contains(&name.as_str());
        if hidden || FOREIGN.contains(&name.as_str()) {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type().expect("its type is known").is_dir() {
            collect(&entry.path(), &format!("{path}/"), sources);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            sources.push(Source { path, text });
        }
    }
}

#[track_caller]
fn holds(rule: Rule) {
    let findings: Vec<String> = project().iter().flat_map(rule).collect();
    assert_none(&findings);
}

#[track_caller]
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// Whether the rule finds something in this file.
#[track_caller]
fn check(rule: Rule, path: &str, text: &str, expected: bool) {
    let findings = rule(&Source::new(path, text));
    assert_eq!(
        !findings.is_empty(),
        expected,
        "{path}: {text}: {findings:?}"
    );
}

macro_rules! check {
    ($($rule:ident { $($path:literal, $text:expr => $expected:literal;)+ })+) => {
        $(mod $rule {
            use super::*;

            #[test]
            fn holds() {
                super::holds(rules::$rule);
            }

            #[test]
            fn finds() {
                $(check(rules::$rule, $path, &$text, $expected);)+
            }
        })+
    };
}

check! {
    length {
        "src/plan.rs", "\n".repeat(400) => false;
        "src/plan.rs", "\n".repeat(401) => true;
        "tests/interop/read.js", "\n".repeat(401) => true;
        "tests/interop/package-lock.json", "\n".repeat(401) => false;
        "sdk/src/table.rs", "\n".repeat(401) => true;
        "sdk/tests/contract.rs", "\n".repeat(401) => true;
        "README.md", "\n".repeat(251) => true;
        "ARCHITECTURE.md", "\n".repeat(241) => true;
    }
    arrows {
        "src/plan.rs", "use crate::model::Item;" => false;
        "src/plan.rs", "use crate::table::Table;" => true;
        "src/plan/order.rs", "fn a() { crate::metrics::count() }" => true;
        "src/plan/order.rs", "use super::Write;" => false;
        "src/plan/order.rs", "use super::super::table::Table;" => true;
        "src/plan/order.rs", "fn a() { super::super::table::read() }" => true;
        "src/plan/order.rs", "fn a() -> super::Write {}" => false;
        "src/plan.rs", "use super::table::Table;" => true;
        "src/plan.rs", "fn a() -> super::table::Table {}" => true;
        "src/launchdarkly/fdv1.rs", "use crate::{model::{Item, Kind}, table::Row};" => true;
        "src/status/health.rs", "use crate::{\n    model::{Item, table},\n    clock::Moment,\n};" => false;
        "src/table.rs", "use crate::launchdarkly::Source;" => true;
        "src/clock.rs", "use crate::status::Facts;" => true;
        "src/table.rs", "/// As [`crate::launchdarkly`] says." => false;
        "src/environment.rs", "use crate::simulator::Simulator;" => true;
        "src/environment.rs", "#[cfg(test)]\nmod tests {\n    use crate::simulator::Simulator;\n}" => false;
        "src/commands/demo.rs", "use crate::simulator::Simulator;" => false;
        "src/utils.rs", "" => true;
        "sdk/src/replace.rs", "use crate::{order::waves, table::Table};" => false;
        "sdk/src/layout.rs", "use crate::table::Table;" => true;
        "sdk/src/order.rs", "use super::retry::Patience;" => true;
        "sdk/src/utils.rs", "" => true;
    }
    purity {
        "src/model/item.rs", "pub async fn read() {}" => true;
        "src/plan.rs", "let now = Instant::now();" => true;
        "src/plan.rs", "#[cfg(test)]\nmod tests {\n    let now = Instant::now();\n}" => false;
        "src/listener/hints.rs", "tracing::info!(\"late\");" => true;
        "src/table/dynamodb.rs", "self.client.send().await" => false;
        "sdk/src/read.rs", "log::error!()" => true;
        "sdk/src/replace.rs", "log::error!()" => false;
    }
    settings {
        "src/http/router.rs", "std::env::var_os(\"PORT\")" => true;
        "src/config/sources.rs", "std::env::vars_os()" => false;
        "src/main.rs", "env!(\"CARGO_PKG_VERSION\")" => false;
    }
    printing {
        "src/supervisor.rs", "println!(\"started\");" => true;
        "src/supervisor.rs", "eprintln!(\"started\");" => true;
        "src/commands/sync.rs", "println!(\"equal\");" => false;
    }
    tasks {
        "src/table/dynamodb.rs", "tokio::spawn(async {});" => true;
        "src/launchdarkly/stream.rs", "set.spawn(async {});" => true;
        "src/supervisor.rs", "set.spawn(async {});" => false;
        "sdk/src/store.rs", "runtime.spawn(async {});" => true;
        "sdk/src/runner.rs", "runtime.spawn(async {});" => false;
    }
    waiting {
        "tests/outage.rs", concat!("tokio::time::sle", "ep(SECOND).await;") => true;
        "sdk/tests/contract.rs", concat!("thread::sle", "ep(SECOND);") => true;
        "tests/interop/read.py", concat!("time.sle", "ep(1)") => true;
        "src/environment.rs", concat!("#[cfg(test)]\nmod tests {\n    sle", "ep(SECOND).await;\n}") => true;
        "src/environment.rs", concat!("sle", "ep(backoff).await;") => false;
    }
    what_runs {
        "src/environment.rs", "if cfg!(test) {}" => true;
        "src/environment.rs", "impl A {\n    #[cfg(test)]\n    fn peek() {}\n}" => true;
        "src/environment.rs", "#[cfg(test)]\nmod tests;" => false;
    }
    leftovers {
        "src/plan.rs", concat!("// TO", "DO: removals") => true;
        "tests/outage.rs", concat!("#[ig", "nore = \"slow\"]") => true;
        "src/plan.rs", "// what is left to do" => false;
    }
    machines {
        "Makefile", concat!("cd /wo", "rk/main") => true;
        "Makefile", "cd target/work" => false;
    }
}

mod purity_as_a_whole {
    use super::*;

    #[test]
    fn what_is_watched_is_there() {
        assert_none(&rules::absent(&project()));
    }

    #[test]
    fn what_is_not_there_is_found() {
        let all = project();
        for (path, expected) in [
            ("src/plan.rs", false), // its folder is there
            ("src/status/health.rs", true),
            ("src/http/webhook/delivery.rs", true),
        ] {
            let rest: Vec<_> = all.iter().filter(|it| it.path != path).cloned().collect();
            assert!(rest.len() < all.len(), "{path}");
            assert_eq!(!rules::absent(&rest).is_empty(), expected, "{path}");
        }
    }

    #[test]
    fn what_the_document_calls_pure_is_watched() {
        assert_none(&rules::unwatched(include_str!("../ARCHITECTURE.md")));
    }

    #[test]
    fn what_is_not_watched_is_found() {
        let right = include_str!("../ARCHITECTURE.md");
        for (from, to) in [
            ("14. `model`,", "14. `model`, `clock`,"),
            ("`launchdarkly/sse.rs`", "`launchdarkly/stream.rs`"),
            (" read no clock", " do not read the clock"),
        ] {
            assert!(right.contains(from), "{from}");
            let findings = rules::unwatched(&right.replacen(from, to, 1));
            assert_eq!(findings.len(), 1, "{to}: {findings:?}");
        }
    }
}

mod twins {
    use super::*;

    #[test]
    fn holds() {
        assert_none(&names::twins(&project()));
    }

    #[test]
    fn finds() {
        let one = Source::new(
            "src/writer/fact.rs",
            "pub(super) struct Fact {\n    at: Instant,\n}",
        );
        for (path, text, expected) in [
            ("src/listener/fact.rs", "pub enum Fact {", true),
            ("src/listener/fact.rs", "type Fact = String;", true),
            ("src/listener/fact.rs", "    trait Fact<T>: Copy {", true),
            ("src/listener/fact.rs", "    Fact = \"kind\" {", true),
            ("src/listener/fact.rs", "pub enum ListenFact {", false),
            ("src/listener/fact.rs", "    type Fact = String;", false),
            (
                "src/listener/fact.rs",
                "#[cfg(test)]\nmod tests {\n    struct Fact;\n}",
                false,
            ),
            ("src/listener/fact/tests.rs", "struct Fact;", false),
            ("sdk/src/fact.rs", "struct Fact;", false),
        ] {
            let both = [one.clone(), Source::new(path, text)];
            assert_eq!(!names::twins(&both).is_empty(), expected, "{path}: {text}");
        }
    }
}

mod arrows_as_a_whole {
    use super::*;

    #[test]
    fn each_is_needed() {
        assert_none(&modules::unused(&project()));
    }

    #[test]
    fn one_that_is_not_needed_is_found() {
        let source = Source::new("src/plan.rs", "use crate::model::Item;");
        let findings = modules::unused(&[source]).join("\n");
        assert!(findings.contains("`secrets` does not need `aws`"));
        assert!(!findings.contains("`plan` does"), "{findings}");
    }

    #[test]
    fn the_document_draws_them() {
        assert_none(&modules::drawn(include_str!("../ARCHITECTURE.md")));
    }

    #[test]
    fn what_the_document_draws_wrongly_is_found() {
        let right = include_str!("../ARCHITECTURE.md");
        for (from, to) in [
            ("secrets: aws config", "secrets: aws"),
            ("logging: config", "logging: config model"),
            ("logging: config; ", ""),
            ("logging: config", "logging: config; utils: nothing"),
            ("Arrows point", "They point"),
        ] {
            assert!(right.contains(from), "{from}");
            assert_eq!(
                modules::drawn(&right.replacen(from, to, 1)).len(),
                1,
                "{to}"
            );
        }
    }
}
