//! The table: printed as it grows, and written into docs/performance.md when it is whole.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};

use super::document;
use super::figure::{FIGURES, Figure};
use super::machine::machine;
use super::samples::Samples;

/// What was measured so far.
pub(crate) struct Report {
    machine: String,
    rows: Vec<(Figure, Samples)>,
}

impl Report {
    /// Before anything is measured: the machine's load is its own.
    pub(crate) fn new() -> Self {
        Self {
            machine: machine(),
            rows: Vec::new(),
        }
    }

    /// Tells what goes on.
    pub(crate) fn progress(text: &str) -> Result<()> {
        writeln!(io::stderr(), "  {text}").context("nobody listens")
    }

    /// Adds a row and prints it.
    pub(crate) fn add(&mut self, figure: Figure, samples: Samples) -> Result<()> {
        write!(io::stdout(), "{}", row(&figure, &samples)).context("nobody listens")?;
        self.rows.push((figure, samples));
        Ok(())
    }

    /// Writes the table into docs/performance.md, if every figure was measured.
    pub(crate) fn write(mut self) -> Result<()> {
        let place = |figure: &Figure| FIGURES.iter().position(|it| it == figure);
        self.rows.sort_by_key(|(figure, _)| place(figure));
        if !self.rows.iter().map(|(figure, _)| figure).eq(FIGURES) {
            return Self::progress(
                "docs/performance.md is left as it is: only a part was measured",
            );
        }
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        document::write(project, "make bench", &self.table())
    }

    fn table(&self) -> String {
        let mut table = format!(
            "Measured {}\n\n| figure | at most | median | from - to | rounds | reached |\n| --- | --- | --- | --- | --- | --- |\n",
            self.machine
        );
        for (figure, samples) in &self.rows {
            table += &row(figure, samples);
        }
        table
    }
}

fn row(figure: &Figure, samples: &Samples) -> String {
    let write = |value| figure.unit.write(value);
    let (at_most, reached) = match figure.at_most {
        None => (String::new(), ""),
        Some(most) if samples.median() <= most => (write(most), "yes"),
        Some(most) => (write(most), "**no**"),
    };
    format!(
        "| {} | {at_most} | {} | {} - {} | {} | {reached} |\n",
        figure.name,
        write(samples.median()),
        write(samples.least()),
        write(samples.most()),
        samples.count()
    )
}
