//! docs/performance.md says what `make bench` prints: every figure, no other, and a word about each that is missed.

#[path = "../benches/figures/figure.rs"]
mod figure;

use figure::{FIGURES, Figure};

const DOCUMENT: &str = include_str!("../docs/performance.md");

#[path = "../benches/lambda/row.rs"]
mod row;

/// What this command wrote.
fn part(command: &str) -> &'static str {
    let begin = format!("<!-- begin of what `{command}` writes -->");
    let rest = DOCUMENT.split_once(&begin).map(|(_, rest)| rest);
    let part = rest.and_then(|rest| rest.split_once("<!-- end of what"));
    part.map_or("", |(part, _)| part)
}

/// A table's rows: name, target, median, spread, rounds, whether it was reached.
fn rows(document: &str) -> Vec<Vec<&str>> {
    document
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").map(str::trim).collect())
        .filter(|cells: &Vec<_>| !["figure", "---"].contains(&cells[0]))
        .collect()
}

fn target(figure: &Figure) -> String {
    figure
        .at_most
        .map_or_else(String::new, |most| figure.unit.write(most))
}

#[test]
fn the_table_has_the_figures_that_are_measured() {
    let expected: Vec<_> = FIGURES.iter().map(|it| (it.name, target(it))).collect();
    let written: Vec<_> = rows(part("make bench"))
        .iter()
        .map(|cells| (cells[0], cells[1].to_owned()))
        .collect();
    assert_eq!(written, expected, "run `make bench`");
}

#[test]
fn what_is_missed_is_explained() {
    for cells in rows(part("make bench")) {
        let headline = format!("### {}\n", cells[0]);
        let missed = cells.last() == Some(&"**no**");
        assert_eq!(
            missed,
            DOCUMENT.contains(&headline),
            "{}: what misses its figure has a paragraph that says why, and nothing else has one",
            cells[0]
        );
    }
}

#[test]
fn the_lambdas_table_has_the_rows_that_are_measured() {
    let rows = rows(part("make bench-lambda"));
    let written: Vec<_> = rows.iter().map(|cells| cells[0]).collect();
    let expected: Vec<_> = row::ROWS.iter().map(|row| row.name).collect();
    assert_eq!(written, expected, "run `make bench-lambda`");
    for cells in rows {
        assert_eq!(cells.len(), 5, "a figure for each language: {cells:?}");
    }
}
