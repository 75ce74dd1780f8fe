//! One file, and how its code is told from its comments and its tests.

use std::path::Path;

/// A file of the project's.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|it| it == "rs")
    }

    pub(crate) fn is_test(&self) -> bool {
        let path = self.within();
        path.starts_with("tests/") || path.ends_with("/tests.rs")
    }

    /// The path within its crate: `src/` and `tests/` are in each.
    pub(crate) fn within(&self) -> &str {
        self.path.strip_prefix("sdk/").unwrap_or(&self.path)
    }

    /// Whether it is the data store for LaunchDarkly's Rust SDK, not the relay.
    pub(crate) fn is_sdk(&self) -> bool {
        self.path.starts_with("sdk/")
    }

    /// `plan` for `src/plan.rs` and for all below `src/plan/`; `main` and `lib` for these two.
    pub(crate) fn module(&self) -> Option<&str> {
        let path = self.within().strip_prefix("src/")?;
        Some(
            path.split_once('/')
                .map_or(path.trim_end_matches(".rs"), |(module, _)| module),
        )
    }

    /// The lines that are code, numbered and without comments: those of the program, or those of its tests.
    pub(crate) fn code(&self, of_tests: bool) -> Vec<(usize, &str)> {
        let mut lines = Vec::new();
        let (mut announced, mut inside) = (false, false);
        for (number, line) in (1..).zip(self.text.lines()) {
            if line == "#[cfg(test)]" {
                announced = true;
            } else if announced && !line.starts_with("#[") {
                announced = false;
                inside = line.ends_with('{');
            }
            if (self.is_test() || announced || inside) == of_tests {
                lines.push((number, without_comment(line)));
            }
            inside &= line != "}";
        }
        lines
    }

    /// Where one of these words stands in the lines.
    pub(crate) fn find(
        &self,
        lines: &[(usize, &str)],
        words: &[&str],
        advice: &str,
    ) -> Vec<String> {
        let found = |line: &str| words.iter().find(|word| line.contains(**word));
        lines
            .iter()
            .filter_map(|(number, line)| {
                found(line).map(|word| format!("{}:{number}: `{word}`: {advice}", self.path))
            })
            .collect()
    }

    /// The same, of the program's code outside these modules.
    pub(crate) fn find_outside(
        &self,
        modules: &[&str],
        words: &[&str],
        advice: &str,
    ) -> Vec<String> {
        match self.module() {
            Some(module) if self.is_rust() && !modules.contains(&module) => {
                self.find(&self.code(false), words, advice)
            }
            _ => Vec::new(),
        }
    }
}

fn without_comment(line: &str) -> &str {
    let comment = line
        .match_indices("//")
        .find(|(at, _)| !line[..*at].ends_with(':')); // an address in a string
    comment.map_or(line, |(at, _)| &line[..at])
}
