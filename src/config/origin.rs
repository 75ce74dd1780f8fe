//! Where a value came from, and what there is to say about it.

use std::fmt;
use std::sync::Arc;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the file.
    File {
        /// The file, as it was named.
        path: Arc<str>,
        /// The line, from 1.
        line: usize,
        /// The key with its section, as the file's syntax has it; empty where the line itself is meant.
        key: String,
    },
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File { path, line, key } if key.is_empty() => write!(out, "{path}:{line}"),
            Self::File { path, line, key } => write!(out, "{path}:{line} {key}"),
            Self::Variable(name) => out.write_str(name),
        }
    }
}

/// A sentence about the configuration and what it is about. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What it is about; none where something is missing.
    pub about: Vec<Origin>,
    /// What is the matter, and what to do.
    pub text: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, origin) in self.about.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(out, "{separator}{origin}")?;
        }
        if !self.about.is_empty() {
            out.write_str(": ")?;
        }
        out.write_str(&self.text)
    }
}

/// Everything that keeps the daemon from starting, told at once: a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Remark>);

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(out, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// What was found while loading. Remarks with the same sentence become one.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Remark>,
    pub(super) warnings: Vec<Remark>,
    /// Part of the file could not be read, so what seems to be missing may well be there.
    pub(super) incomplete: bool,
}

impl Findings {
    pub(super) fn problem(
        &mut self,
        about: impl IntoIterator<Item = Origin>,
        text: impl Into<String>,
    ) {
        add(&mut self.problems, about, text.into());
    }

    pub(super) fn warning(
        &mut self,
        about: impl IntoIterator<Item = Origin>,
        text: impl Into<String>,
    ) {
        add(&mut self.warnings, about, text.into());
    }
}

fn add(remarks: &mut Vec<Remark>, about: impl IntoIterator<Item = Origin>, text: String) {
    let about = about.into_iter();
    match remarks.iter_mut().find(|it| it.text == text) {
        Some(remark) => remark.about.extend(about),
        None => remarks.push(Remark {
            about: about.collect(),
            text,
        }),
    }
}
