//! The rules. Each takes one file and tells what it finds.

use crate::source::Source;

/// Who may know whom: the arrows of ARCHITECTURE.md. A module that is not here has no place yet.
const ARROWS: &[(&str, &str)] = &[
    ("model", ""),
    ("plan", "model"),
    ("cli", ""),
    ("config", ""),
    ("aws", ""),
    ("logging", "config"),
    ("status", "model"),
    ("clock", "status"),
    ("metrics", "model status"),
    ("launchdarkly", "clock config metrics model status"),
    ("table", "aws clock config metrics model plan status"),
    ("secrets", "aws config"),
    ("webhook", "model"),
    (
        "environment",
        "clock config launchdarkly metrics model plan secrets status table",
    ),
    (
        "supervisor",
        "clock config environment launchdarkly metrics model secrets status table",
    ),
    (
        "http",
        "clock config environment metrics model secrets status supervisor webhook",
    ),
    ("simulator", "model"), // LaunchDarkly as its documents have it, not as we read it
    ("commands", EVERYTHING),
];
const EVERYTHING: &str = "aws cli clock config environment http launchdarkly logging metrics model plan secrets \
                          simulator status supervisor table webhook";

/// No file says more than one can hold in mind.
pub(crate) fn length(source: &Source) -> Vec<String> {
    let most = match source.path.as_str() {
        "README.md" => 250,
        "ARCHITECTURE.md" => 200,
        path if path.ends_with("go.sum") || path.ends_with("package-lock.json") => {
            return Vec::new();
        }
        path if path.starts_with("src/") || path.starts_with("tests/") => 400,
        _ => return Vec::new(),
    };
    let lines = source.text.lines().count();
    let finding = format!(
        "{}: {lines} lines; {most} at most: make it two ideas",
        source.path
    );
    if lines > most {
        vec![finding]
    } else {
        Vec::new()
    }
}

/// Modules know only those that ARROWS lets them know.
pub(crate) fn arrows(source: &Source) -> Vec<String> {
    let Some(module) = source
        .module()
        .filter(|module| !["main", "lib"].contains(module))
    else {
        return Vec::new();
    };
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) else {
        return vec![format!(
            "{}: give `{module}` a place in tests/tidy.rs and ARCHITECTURE.md",
            source.path
        )];
    };
    let code: Vec<&str> = source
        .code(false)
        .into_iter()
        .map(|(_, line)| line)
        .collect();
    known(&code.join("\n"), source.path.matches('/').count())
        .into_iter()
        .filter(|name| name != module && !allowed.split(' ').any(|it| it == name))
        .filter(|name| ARROWS.iter().any(|(module, _)| module == name))
        .map(|name| format!("{}: `{module}` must not know `{name}`", source.path))
        .collect()
}

/// The first names behind `crate::` and what amounts to it in a file that many folders deep: `super::` at the top of
/// `src/plan.rs`, `super::super::` in `src/plan/order.rs`.
fn known(code: &str, depth: usize) -> Vec<String> {
    let root = "super::".repeat(depth);
    let paths = code.replace(&format!("use {root}"), "use crate::");
    let mut names = Vec::new();
    for path in paths.split("crate::").skip(1) {
        match path.strip_prefix('{') {
            Some(group) => names.extend(first_names(group)),
            None => names.push(name(path)),
        }
    }
    names
}

/// The first name of each path in a group of `use`, up to its closing brace.
fn first_names(group: &str) -> Vec<String> {
    let (mut names, mut deep, mut start) = (Vec::new(), 0_usize, 0);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => deep += 1,
            '}' if deep > 0 => deep -= 1,
            ',' | '}' if deep == 0 => {
                names.push(name(group[start..at].trim_start()));
                start = at + 1;
                if letter == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names
}

fn name(path: &str) -> String {
    path.chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect()
}

/// What decides is a function of values (invariant 14).
pub(crate) fn purity(source: &Source) -> Vec<String> {
    let decides = [
        "src/model",
        "src/plan",
        "src/table/layout",
        "src/launchdarkly/fdv1",
        "src/launchdarkly/sse",
        "src/status/health",
        "src/webhook",
        "src/environment/announced",
        "src/environment/backoff",
        "src/environment/contested",
        "src/environment/hints",
        "src/environment/pace",
        "src/environment/recent",
        "src/secrets/timetable",
        "src/http/webhook/delivery",
        "src/http/webhook/seen",
    ];
    if !decides.iter().any(|path| source.path.starts_with(path)) {
        return Vec::new();
    }
    let words = [
        "async fn",
        ".await",
        "::now()",
        "std::fs",
        "std::net",
        "tracing::",
        "rand::",
    ];
    source.find(
        &source.code(false),
        &words,
        "what decides reads no clock, socket or file; pass it in",
    )
}

/// The environment is read once, where mistakes in it are told.
pub(crate) fn settings(source: &Source) -> Vec<String> {
    let words = ["env::var", "from_default_env"];
    source.find_outside(&["config"], &words, "only `config` reads the environment")
}

/// The daemon logs; commands print.
pub(crate) fn printing(source: &Source) -> Vec<String> {
    let words = ["println!", "print!(", "stdout()", "dbg!"];
    source.find_outside(
        &["commands", "main"],
        &words,
        "only `commands` print; the rest logs",
    )
}

/// Every task has an owner who awaits it.
pub(crate) fn tasks(source: &Source) -> Vec<String> {
    let owners = ["supervisor", "http", "simulator", "environment"];
    let words = [".spawn(", "::spawn(", "spawn_blocking(", "spawn_local("];
    source.find_outside(&owners, &words, "tasks belong to the supervisor or http")
}

/// Tests pause time or await what happens.
pub(crate) fn waiting(source: &Source) -> Vec<String> {
    let is_code = [".rs", ".py", ".go", ".js", ".mjs", ".ts"]
        .iter()
        .any(|end| source.path.ends_with(end));
    if !is_code {
        return Vec::new();
    }
    let words = [concat!("sle", "ep("), concat!("Sle", "ep(")];
    source.find(
        &source.code(true),
        &words,
        "await what happens, or pause time",
    )
}

/// The code under test is the code that runs.
pub(crate) fn what_runs(source: &Source) -> Vec<String> {
    let words = ["cfg(not(test))", "cfg!(test)", "cfg_attr(test"];
    let indented =
        |line: &&(usize, &str)| line.1.starts_with(' ') && line.1.contains("#[cfg(test)]");
    let inside: Vec<_> = source
        .code(false)
        .iter()
        .filter(indented)
        .copied()
        .collect();
    let mut found = source.find_outside(&[], &words, "what is tested is what runs");
    found.extend(source.find(&inside, &["cfg(test)"], "only `mod tests` is for tests"));
    found
}

/// What is not done is in the issues; what is ignored proves nothing.
pub(crate) fn leftovers(source: &Source) -> Vec<String> {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("#[ig", "nore"),
        concat!("todo", "!("),
    ];
    let lines: Vec<_> = (1..).zip(source.text.lines()).collect();
    source.find(
        &lines,
        &words,
        "do it, or say in an issue what is to be done",
    )
}

/// The project works on every machine.
pub(crate) fn machines(source: &Source) -> Vec<String> {
    let words = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/Use", "rs/"),
    ];
    let lines: Vec<_> = (1..).zip(source.text.lines()).collect();
    source.find(&lines, &words, "name no path of one machine")
}
