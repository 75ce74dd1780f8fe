//! What the configuration is read from, as values, so that nothing else here touches the process.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The file that is read when none is named.
pub(super) const DEFAULT_FILE: &str = "relay.toml";

/// Reads a file.
type ReadFile<'a> = &'a (dyn Fn(&Path) -> io::Result<String> + Sync);

/// What the configuration is read from.
pub struct Sources<'a> {
    /// The file that was named; without one, `relay.toml` is read if it is there.
    pub file: Option<PathBuf>,
    /// The file that was named may be missing.
    pub allow_missing_file: bool,
    /// The environment variables.
    pub variables: BTreeMap<String, String>,
    /// Reads a file: the configuration's own, and those that hold secrets.
    pub read: ReadFile<'a>,
}

impl Sources<'static> {
    /// The process's own environment variables and files.
    pub fn of_process(file: Option<PathBuf>, allow_missing_file: bool) -> Self {
        let text = |it: std::ffi::OsString| it.to_string_lossy().into_owned();
        Self {
            file,
            allow_missing_file,
            variables: std::env::vars_os()
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
            read: &|path| std::fs::read_to_string(path),
        }
    }
}
