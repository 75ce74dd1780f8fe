//! The figures that the relay must reach, measured: `make bench`.
//!
//! The daemon runs in a process of its own, as it is released; the simulated LaunchDarkly and the embedded DynamoDB run in
//! this one. `cargo bench --bench figures -- memory patch` measures a part, prints it and writes nothing.
//!
//! A new figure is a row of `figure.rs` and a module whose `measure` adds it to the report.

mod bare;
mod document;
mod figure;
mod first_sync;
mod image;
mod limited;
mod machine;
mod memory;
mod patch;
mod report;
mod samples;
mod start;
mod world;

use anyhow::{Context as _, Result};
use ld_dynamodb_relay::simulator::{Items, generate};

use report::Report;

/// The same flags in every measurement.
const SEED: u64 = 1;
const PARTS: &[&str] = &["start", "first_sync", "patch", "limited", "memory", "image"];

/// Flags of realistic sizes, and a segment for ten of them.
fn generated(flags: usize) -> Items {
    generate(flags, SEED)
}

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--")) // cargo's own
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match arguments.as_slice() {
            [bare::ARGUMENT, endpoint, flags] => {
                bare::run(endpoint, flags.parse().context("how many flags?")?).await
            }
            [] => measure(PARTS).await,
            parts => measure(parts).await,
        }
    })
}

async fn measure(parts: &[&str]) -> Result<()> {
    let mut report = Report::new();
    for part in parts {
        match *part {
            "start" => start::measure(&mut report).await?,
            "first_sync" => first_sync::measure(&mut report).await?,
            "patch" => patch::measure(&mut report).await?,
            "limited" => limited::measure(&mut report).await?,
            "memory" => memory::measure(&mut report).await?,
            "image" => image::measure(&mut report).await?,
            other => anyhow::bail!("there is no {other}: say one of {}", PARTS.join(", ")),
        }
    }
    report.write()
}
