//! Who may know whom, and that ARCHITECTURE.md draws it so.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;

/// May know every module.
const EVERYTHING: &str = "everything";

/// Who may know whom: the arrows of ARCHITECTURE.md. A module that is not here has no place yet.
const ARROWS: &[(&str, &str)] = &[
    ("model", "label"),
    ("plan", "model"),
    ("roster", "model"),
    ("cli", ""),
    ("config", ""),
    ("aws", ""),
    ("label", ""),
    ("clock", ""),
    ("logging", "config"),
    ("status", "clock label listener model roster writer"),
    (
        "metrics",
        "clock label listener model status table webhook writer",
    ),
    ("launchdarkly", "model"),
    ("table", "aws label model"),
    ("secrets", "aws config"),
    ("webhook", "label model"),
    ("writer", "label model plan table"),
    ("listener", "label launchdarkly model"),
    (
        "environment",
        "archive clock launchdarkly listener metrics model plan secrets status table writer",
    ),
    (
        "registry",
        "config environment roster secrets status webhook",
    ),
    (
        "supervisor",
        "archive clock config environment launchdarkly listener metrics model registry roster secrets status table",
    ),
    (
        "http",
        "clock config environment logging metrics model registry roster secrets status webhook",
    ),
    ("archive", "launchdarkly model roster"),
    ("simulator", "clock model"), // LaunchDarkly as its documents have it, not as we read it
    ("commands", EVERYTHING),
];

/// The same for the crate in `sdk/`.
const SDK_ARROWS: &[(&str, &str)] = &[
    ("layout", ""), // the relay knows this, and nothing else of the crate
    ("order", ""),
    ("trouble", ""),
    ("runner", "trouble"),
    ("retry", "trouble"),
    ("read", "layout"),
    ("write", "layout"),
    ("table", "layout trouble write"),
    ("connect", "layout table"),
    ("replace", "layout order retry table trouble write"),
    (
        "store",
        "connect layout read replace retry runner table trouble write",
    ),
    ("builder", "connect store"),
];

/// Modules know only those that ARROWS lets them know.
pub(crate) fn arrows(source: &Source) -> Vec<String> {
    let Some(module) = module(source) else {
        return Vec::new();
    };
    let arrows = if source.is_sdk() { SDK_ARROWS } else { ARROWS };
    let Some((_, allowed)) = arrows.iter().find(|(name, _)| *name == module) else {
        return vec![format!(
            "{}: give `{module}` a place in tests/tidy/modules.rs and ARCHITECTURE.md",
            source.path
        )];
    };
    if *allowed == EVERYTHING {
        return Vec::new();
    }
    known(source)
        .into_iter()
        .filter(|name| name != module && !allowed.split(' ').any(|it| it == name))
        .filter(|name| arrows.iter().any(|(module, _)| module == name))
        .map(|name| format!("{}: `{module}` must not know `{name}`", source.path))
        .collect()
}

/// ARROWS allows nothing that no file needs.
pub(crate) fn unused(sources: &[Source]) -> Vec<String> {
    let mut needed = BTreeSet::new();
    for source in sources {
        if let Some(module) = module(source) {
            let names = known(source).into_iter();
            needed.extend(names.map(|name| (source.is_sdk(), module, name)));
        }
    }
    let mut findings = Vec::new();
    for (is_sdk, arrows) in [(false, ARROWS), (true, SDK_ARROWS)] {
        for (module, allowed) in arrows {
            if *allowed == EVERYTHING {
                continue;
            }
            for name in allowed.split_whitespace() {
                if !needed.contains(&(is_sdk, *module, name.to_owned())) {
                    findings.push(format!(
                        "tests/tidy/modules.rs: `{module}` does not need `{name}`: remove the arrow"
                    ));
                }
            }
        }
    }
    findings
}

/// ARCHITECTURE.md draws the arrows of ARROWS, all of them and no others.
pub(crate) fn drawn(architecture: &str) -> Vec<String> {
    let block = architecture
        .split_once("Arrows point one way.")
        .and_then(|(_, rest)| rest.split_once("```text\n"))
        .and_then(|(_, rest)| rest.split_once("```"));
    let Some((block, _)) = block else {
        return vec!["ARCHITECTURE.md: list the arrows after `Arrows point one way.`".to_owned()];
    };
    let set = |names: &str| -> BTreeSet<String> {
        let names = names.split([' ', ',', '\n']).map(str::to_owned);
        names
            .filter(|name| !name.is_empty() && name != "nothing")
            .collect()
    };
    let mut drawn = BTreeMap::new();
    for entry in block.split([';', '\n']) {
        if let Some((modules, names)) = entry.split_once(':') {
            drawn.extend(set(modules).into_iter().map(|it| (it, set(names))));
        }
    }
    let allowed: BTreeMap<_, _> = ARROWS
        .iter()
        .map(|(module, names)| ((*module).to_owned(), set(names)))
        .collect();
    let modules: BTreeSet<_> = drawn.keys().chain(allowed.keys()).collect();
    let said = |names: Option<&BTreeSet<String>>| match names {
        None => "does not name it".to_owned(),
        Some(names) if names.is_empty() => "has nothing".to_owned(),
        Some(names) => format!("has `{}`", Vec::from_iter(names.clone()).join(" ")),
    };
    modules
        .into_iter()
        .filter(|module| drawn.get(*module) != allowed.get(*module))
        .map(|module| {
            let (drawn, allowed) = (said(drawn.get(module)), said(allowed.get(module)));
            format!("`{module}`: ARCHITECTURE.md {drawn}, tests/tidy/modules.rs {allowed}")
        })
        .collect()
}

fn module(source: &Source) -> Option<&str> {
    source
        .module()
        .filter(|module| source.is_rust() && !["main", "lib"].contains(module))
}

/// The first names behind `crate::` and what amounts to it: `super::` at the top of `src/plan.rs`, `super::super::` in
/// `src/plan/order.rs`.
fn known(source: &Source) -> Vec<String> {
    let code: Vec<&str> = source
        .code(false)
        .into_iter()
        .map(|(_, line)| line)
        .collect();
    let code = code.join("\n");
    let root = "super::".repeat(source.within().matches('/').count());
    let paths = code.replace(&root, "crate::");
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
