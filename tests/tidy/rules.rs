//! The rules. Each takes one file and tells what it finds.

pub(crate) use crate::modules::arrows;
use crate::source::Source;

/// No file says more than one can hold in mind.
pub(crate) fn length(source: &Source) -> Vec<String> {
    let most = match source.path.as_str() {
        "README.md" => 250,
        "ARCHITECTURE.md" => 240,
        path if path.ends_with("go.sum") || path.ends_with("package-lock.json") => {
            return Vec::new();
        }
        _ if source.within().starts_with("src/") || source.within().starts_with("tests/") => 400,
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

/// Where it is decided: modules and files, without their ending.
const DECIDES: &[&str] = &[
    "src/archive/applied",
    "src/archive/look",
    "src/archive/read",
    "src/label",
    "src/listener",
    "src/model",
    "src/plan",
    "src/roster",
    "src/table/layout",
    "src/launchdarkly/fdv1",
    "src/launchdarkly/sse",
    "src/status/health",
    "src/webhook",
    "src/writer",
    "sdk/src/layout",
    "sdk/src/order",
    "sdk/src/read",
    "sdk/src/write",
    "src/secrets/timetable",
    "src/http/expect",
    "src/http/webhook/delivery",
    "src/http/webhook/deduplicator",
];

/// What decides is a function of values (invariant 14).
pub(crate) fn purity(source: &Source) -> Vec<String> {
    if !DECIDES.iter().any(|path| source.path.starts_with(path)) {
        return Vec::new();
    }
    let words = [
        "async fn",
        ".await",
        "::now()",
        "std::fs",
        "std::net",
        "tracing::",
        "log::",
        "rand::",
    ];
    source.find(
        &source.code(false),
        &words,
        "what decides reads no clock, socket or file; pass it in",
    )
}

/// DECIDES names nothing that is not there.
pub(crate) fn absent(sources: &[Source]) -> Vec<String> {
    let is_there = |path: &str| {
        let rest = |source: &Source| source.path.strip_prefix(path).map(str::to_owned);
        let mut rests = sources.iter().filter_map(rest);
        rests.any(|rest| rest == ".rs" || rest.starts_with('/'))
    };
    let absent = DECIDES.iter().filter(|path| !is_there(path));
    absent
        .map(|path| format!("tests/tidy/rules.rs: `{path}` is not there: say where it is now"))
        .collect()
}

/// DECIDES names all that invariant 14 says reads nothing.
pub(crate) fn unwatched(architecture: &str) -> Vec<String> {
    let pure = architecture
        .split_once("\n14. ")
        .and_then(|(_, rest)| rest.split_once(" read no clock"));
    let Some((pure, _)) = pure else {
        return vec!["ARCHITECTURE.md: say in invariant 14 what reads no clock".to_owned()];
    };
    let named = pure.split('`').skip(1).step_by(2);
    let unwatched = named.filter(|name| {
        let path = format!("src/{}", name.trim_end_matches(".rs"));
        !DECIDES.contains(&path.as_str())
    });
    unwatched
        .map(|name| format!("ARCHITECTURE.md: `{name}`: tests/tidy/rules.rs does not watch it"))
        .collect()
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
    let owners = [
        "archive",
        "supervisor",
        "http",
        "simulator",
        "environment",
        "runner",
    ];
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
