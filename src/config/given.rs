//! What was given, from the file and from the variables, before anybody asks what it means.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::options::{self, Opt, Shape};
use super::origin::{Findings, Origin};
use super::sources::{DEFAULT_FILE, Sources};
use super::{ini, toml_file};

/// An option with a value.
pub(super) struct Given {
    pub(super) option: &'static Opt,
    /// The environment's name, or what else follows the variable of a family.
    pub(super) name: Option<String>,
    /// As one would write it in a variable; never empty.
    pub(super) value: String,
    pub(super) origin: Origin,
}

impl Given {
    /// Whether both set the same thing.
    pub(super) fn sets_the_same(&self, other: &Self) -> bool {
        std::ptr::eq(self.option, other.option) && self.name == other.name
    }

    /// The secrets in it, or where they are kept; none if it holds no secrets.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let (whole, parts) = match self.option.shape {
            Shape::Secret => (Some(self.value.as_str()), None),
            Shape::Secrets => (None, Some(self.value.split(',').map(str::trim))),
            Shape::Text | Shape::Url | Shape::List => (None, None),
        };
        whole.into_iter().chain(parts.into_iter().flatten())
    }
}

/// Everything that was given: first the file, then the variables, so that the last of two counts.
pub(super) fn gather(sources: &Sources<'_>, findings: &mut Findings) -> Vec<Given> {
    let mut given = in_file(sources, findings);
    given.extend(in_variables(sources));
    // What is empty is not set.
    given.retain(|it| !it.value.is_empty());
    given
}

fn in_variables(sources: &Sources<'_>) -> impl Iterator<Item = Given> {
    sources.variables.iter().filter_map(|(variable, value)| {
        let (option, name) = options::by_variable(variable)?;
        Some(Given {
            option,
            name: name.map(str::to_owned),
            value: value.clone(),
            origin: Origin::Variable(variable.clone()),
        })
    })
}

fn in_file(sources: &Sources<'_>, findings: &mut Findings) -> Vec<Given> {
    let path = sources.file.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
    let may_be_missing = sources.file.is_none() || sources.allow_missing_file;
    let text = match (sources.read)(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound && may_be_missing => return Vec::new(),
        Err(error) => {
            findings.incomplete = true;
            findings.problem(
                [],
                format!(
                    "the file {} cannot be read: {error}; name the right one with --config, or allow it to be missing \
                     with --allow-missing-file",
                    path.display()
                ),
            );
            return Vec::new();
        }
    };
    let mut reader = FileReader {
        path: path.display().to_string().into(),
        given: Vec::new(),
        findings,
    };
    if path
        .extension()
        .is_some_and(|it| it.eq_ignore_ascii_case("conf"))
    {
        read_ini(&text, &mut reader);
    } else {
        toml_file::read(&text, &mut reader);
    }
    reader.given
}

/// Takes what a file says.
pub(super) struct FileReader<'a> {
    path: Arc<str>,
    given: Vec<Given>,
    findings: &'a mut Findings,
}

impl FileReader<'_> {
    pub(super) fn origin(&self, line: usize, key: &str) -> Origin {
        Origin::File {
            path: Arc::clone(&self.path),
            line,
            key: key.to_owned(),
        }
    }

    pub(super) fn given(&mut self, given: Given) {
        self.given.push(given);
    }

    pub(super) fn problem(&mut self, line: usize, key: &str, text: impl Into<String>) {
        let origin = self.origin(line, key);
        self.findings.problem([origin], text);
    }

    pub(super) fn syntax_error(&mut self, line: usize, text: impl Into<String>) {
        self.findings.incomplete = true;
        self.problem(line, "", text);
    }
}

/// The release of the Relay Proxy whose options are known here, of its eighth version and of the ninth to come.
const KNOWN_RELEASE: &str = "release 8.21 (or 9.0.0-rc.4)";

/// The sections of the Relay Proxy's file that have a name each.
const NAMED_SECTIONS: [&str; 2] = ["Environment", "Filters"];

fn read_ini(text: &str, reader: &mut FileReader<'_>) {
    let contents = ini::parse(text);
    for error in contents.errors {
        reader.syntax_error(error.line, error.text);
    }
    for (line, section) in contents.sections {
        if !options::is_ini_section(&section) {
            let head = format!("[{section}]");
            let text = format!(
                "is no section of the Relay Proxy's file, as {KNOWN_RELEASE} has it; correct it or remove it"
            );
            reader.problem(line, &head, text);
        }
    }
    for ini::IniEntry {
        section,
        name,
        key,
        value,
        line,
    } in contents.entries
    {
        if !options::is_ini_section(&section) {
            continue;
        }
        let shown = match &name {
            Some(name) => format!("[{section} \"{name}\"] {key}"),
            None => format!("[{section}] {key}"),
        };
        let is_named = NAMED_SECTIONS
            .iter()
            .any(|it| it.eq_ignore_ascii_case(&section));
        if is_named != name.as_ref().is_some_and(|it| !it.is_empty()) {
            let form = if is_named {
                "needs a name: write"
            } else {
                "takes no name: write"
            };
            let head = if is_named {
                format!("[{section} \"name\"]")
            } else {
                format!("[{section}]")
            };
            reader.problem(line, &shown, format!("this section {form} {head}"));
            continue;
        }
        let Some(option) = options::by_ini(&section, &key) else {
            let text = format!(
                "is no setting of the Relay Proxy's file, as {KNOWN_RELEASE} has it; correct it or remove it (what this \
                 daemon adds is set in a TOML file or by variables)"
            );
            reader.problem(line, &shown, text);
            continue;
        };
        let origin = reader.origin(line, &shown);
        let given = Given {
            option,
            name,
            value,
            origin,
        };
        add_repeated(&mut reader.given, given);
    }
}

/// A key that is repeated makes a list longer, and otherwise counts as it came last.
fn add_repeated(all: &mut Vec<Given>, new: Given) {
    match all.iter_mut().find(|it| it.sets_the_same(&new)) {
        Some(old) if new.option.shape == Shape::List => {
            old.value = format!("{},{}", old.value, new.value);
        }
        _ => all.push(new),
    }
}
