//! The table: printed as it grows, and written into docs/performance.md when it is whole.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use ld_dynamodb_relay::clock;

use super::figure::{FIGURES, Figure};
use super::samples::Samples;

const BEGIN: &str = "<!-- begin of what `make bench` writes -->\n";
const END: &str = "<!-- end of what `make bench` writes -->";

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
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
        let text = fs::read_to_string(&path).context("docs/performance.md cannot be read")?;
        let (before, rest) = text
            .split_once(BEGIN)
            .context("docs/performance.md has no place for the table")?;
        let (_, after) = rest
            .split_once(END)
            .context("docs/performance.md has no end of the table")?;
        fs::write(
            &path,
            format!("{before}{BEGIN}{}{END}{after}", self.table()),
        )
        .context("docs/performance.md cannot be written")
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

fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let of = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model =
        of(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.into());
    let kib: u64 = of(&read("/proc/meminfo"), "MemTotal")
        .and_then(|value| value.strip_suffix(" kB")?.parse().ok())
        .unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let date = httpdate::fmt_http_date(clock::now().wall);
    format!(
        "on {date}: {cores} cores of {model}, {} GB, Linux {}; load {} before it began.",
        kib >> 20,
        kernel.trim(),
        load.split(' ').next().unwrap_or("unknown")
    )
}
