//! A smoke of the fuzz targets on any toolchain: the same bodies as in `fuzz/`, with the fixtures and what becomes of them
//! after a few changes, the same ones each time. `FUZZ_ROUNDS` says how many of each fixture.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "../fuzz/bodies/events.rs"]
mod events;
#[path = "fuzz/mutator.rs"]
mod mutator;
#[path = "../fuzz/bodies/roster.rs"]
mod roster;
#[path = "../fuzz/bodies/webhook.rs"]
mod webhook;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::{env, fs};

use mutator::Mutator;

/// Runs the target with the fixtures whose names begin so, and with `rounds` mutations of each.
fn smoke(target: &str, check: fn(&[u8]), fixtures: &str, rounds: usize) {
    let rounds = env::var_os("FUZZ_ROUNDS").map_or(rounds, |rounds| {
        let rounds = rounds.to_str().and_then(|rounds| rounds.parse().ok());
        rounds.expect("FUZZ_ROUNDS is a number")
    });
    let seeds = seeds(fixtures);
    assert!(seeds.len() > 2, "there are fixtures");
    let mut mutator = Mutator::new(&seeds);
    for seed in &seeds {
        attempt(target, check, seed);
        for _ in 0..rounds {
            attempt(target, check, &mutator.mutated(seed));
        }
    }
}

/// The input of a check that fails is kept, in a file that the target takes as well.
fn attempt(target: &str, check: fn(&[u8]), input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| check(input))).is_err() {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{target}"));
        fs::write(&file, input).expect("the input can be kept");
        panic!("{target} fails with the input in {}", file.display());
    }
}

fn seeds(fixtures: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = fs::read_dir("tests/fixtures")
        .expect("there are fixtures")
        .map(|entry| entry.expect("an entry can be read").path())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(fixtures))
        })
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| fs::read(path).expect("a fixture can be read"))
        .collect()
}

#[test]
fn webhook() {
    smoke("webhook", webhook::check, "webhook-", 700);
}

#[test]
fn events() {
    smoke("events", events::check, "fdv1-", 700);
}

#[test]
fn roster() {
    smoke("roster", roster::check, "auto-config-", 400);
}
