//! docs/performance.md, where each command has a place of its own.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Puts what this command measured in the place of what it measured before.
pub(crate) fn write(project: &Path, command: &str, table: &str) -> Result<()> {
    let path = project.join("docs/performance.md");
    let text = fs::read_to_string(&path).context("docs/performance.md cannot be read")?;
    let begin = format!("<!-- begin of what `{command}` writes -->\n");
    let end = format!("<!-- end of what `{command}` writes -->");
    let (before, rest) = text
        .split_once(&begin)
        .context("docs/performance.md has no place for the table")?;
    let (_, after) = rest
        .split_once(&end)
        .context("docs/performance.md has no end of the table")?;
    fs::write(&path, format!("{before}{begin}{table}{end}{after}"))
        .context("docs/performance.md cannot be written")
}
