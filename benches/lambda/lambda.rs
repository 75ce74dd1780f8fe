//! The figures of the Lambdas in `examples/lambda`: `make bench-lambda`. Each runs in a process of its own, the embedded DynamoDB in
//! this one. `cargo bench --package lambda-flags --features interop --bench lambda -- rust go` measures a part and only prints it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "helpers of tests may; a bench prints"
)]

#[path = "../figures/document.rs"]
mod document;
#[path = "../figures/machine.rs"]
mod machine;
mod row;
#[expect(dead_code, reason = "another bench reads more of it")]
#[path = "../figures/samples.rs"]
mod samples;

#[expect(dead_code, reason = "the tests ask more")]
#[path = "../../tests/lambda/expected.rs"]
mod expected;
#[expect(dead_code, reason = "the tests ask more")]
#[path = "../../tests/lambda/function.rs"]
mod function;
#[path = "../../tests/lambda/process.rs"]
mod process;
#[expect(dead_code, reason = "the tests ask more")]
#[path = "../../tests/lambda/recorder.rs"]
mod recorder;
#[path = "../../tests/lambda/runtime.rs"]
mod runtime;
#[expect(dead_code, reason = "the tests ask more")]
#[path = "../../tests/lambda/world.rs"]
mod world;

use std::path::Path;

use anyhow::{Context as _, Result};
use ld_dynamodb_relay::model::Kind;
use ld_dynamodb_relay::simulator::generate;
use serde_json::{Value, json};
use tokio::time::Instant;

use function::{Function, Language};
use row::{ROWS, Row};
use samples::{Samples, milliseconds};
use world::World;

const LANGUAGES: [(&str, Language); 4] = [
    ("rust", Language::Rust),
    ("python", Language::Python),
    ("node", Language::Node),
    ("go", Language::Go),
];
const FLAGS: u32 = 500;
const SEED: u64 = 1;
const COLD_STARTS: usize = 9;
const ROUNDS: usize = 5;

/// How often one thing is asked in a round.
#[derive(Clone, Copy)]
struct Times {
    one: u32,
    one_uncached: u32,
    all: u32,
    all_uncached: u32,
}

const TIMES: Times = Times {
    one: 1_000,
    one_uncached: 300,
    all: 20,
    all_uncached: 3,
};

/// What is asked.
struct Events {
    one: Value,
    all: Value,
}

fn main() -> Result<()> {
    let wanted: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--")) // cargo's own
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let machine = machine::machine();
        let mut columns = Vec::new();
        for (name, language) in LANGUAGES {
            if wanted.is_empty() || wanted.iter().any(|it| it == name) {
                let column = measure(language).await?;
                for (row, samples) in ROWS.iter().zip(&column) {
                    println!("{name}: {}: {}", row.name, cell(row, samples));
                }
                columns.push(column);
            }
        }
        if columns.len() < LANGUAGES.len() {
            return Ok(());
        }
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
        document::write(&project, "make bench-lambda", &table(&machine, &columns))
    })
}

fn table(machine: &str, columns: &[Vec<Samples>]) -> String {
    let mut lines = vec![
        format!("Measured {machine}\n"),
        "| figure | Rust | Python | Node.js | Go |".to_owned(),
        "| --- | --- | --- | --- | --- |".to_owned(),
    ];
    for (at, row) in ROWS.iter().enumerate() {
        let cells: Vec<_> = columns.iter().map(|it| cell(row, &it[at])).collect();
        lines.push(format!("| {} | {} |", row.name, cells.join(" | ")));
    }
    lines.join("\n") + "\n"
}

/// The median, and where the rounds differ how much.
fn cell(row: &Row, samples: &Samples) -> String {
    let (least, most) = (whole(samples.least()), whole(samples.most()));
    let median = format!("{}{}", whole(samples.median()), row.unit);
    if least == most {
        median
    } else {
        format!("{median} ({least} - {most})")
    }
}

/// With a comma for thousands.
fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A value for each row.
async fn measure(language: Language) -> Result<Vec<Samples>> {
    let items = generate(usize::try_from(FLAGS)?, SEED);
    let flags = items.iter().filter(|(key, _)| key.kind == Kind::Flag);
    // One that is on, with rules, as most are.
    let flag = flags
        .map(|(key, text)| (key, text.len()))
        .filter(|(_, length)| (1_200..2_000).contains(length))
        .map(|(key, _)| key.key.to_string())
        .next()
        .context("there is no usual flag")?;
    let world = World::holding(items).await;
    let context = json!({"kind": "user", "key": "user-17", "country": "FR", "plan": "pro"});
    let events = Events {
        one: json!({"flag": flag, "context": context}),
        all: json!({ "context": context }),
    };
    let cold = cold(language, &world, &events.one).await;
    let cached = language.function(&world).set("CACHE_SECONDS", "3600");
    let uncached = language.function(&world).set("CACHE_SECONDS", "0");
    let mut cached = cached.start().await;
    let mut uncached = uncached.start().await;

    world.store.reset_counts();
    rate(&mut cached, &events.one, TIMES.one).await;
    let requests = requests(&world);
    for event in [&events.one, &events.all] {
        cached.ask(event).await;
        uncached.ask(event).await;
    }
    world.store.reset_counts();
    uncached.ask(&events.one).await;
    let requests_uncached = self::requests(&world) * f64::from(TIMES.one);
    world.store.reset_counts();
    uncached.ask(&events.all).await;
    let requests_all = self::requests(&world);

    let mut rates: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        let all = f64::from(FLAGS);
        rates[0].push(rate(&mut cached, &events.one, TIMES.one).await);
        rates[1].push(rate(&mut uncached, &events.one, TIMES.one_uncached).await);
        rates[2].push(rate(&mut cached, &events.all, TIMES.all).await * all);
        rates[3].push(rate(&mut uncached, &events.all, TIMES.all_uncached).await * all);
    }
    let [one, one_uncached, all, all_uncached] = rates.map(Samples::from_iter);
    let exact = |value| Samples::from_iter([value]);
    Ok(vec![
        cold,
        one,
        one_uncached,
        all,
        all_uncached,
        exact(requests),
        exact(requests_uncached),
        exact(requests_all),
    ])
}

/// From just before the process is made until its first answer is here.
async fn cold(language: Language, world: &World, event: &Value) -> Samples {
    let mut times = Vec::new();
    for _ in 0..COLD_STARTS {
        let definition = language.function(world);
        let begin = Instant::now();
        let mut function = definition.start().await;
        function.ask(event).await;
        times.push(milliseconds(begin.elapsed()));
    }
    times.into_iter().collect()
}

/// Answers a second, one after the other.
async fn rate(function: &mut Function, event: &Value, times: u32) -> f64 {
    let begin = Instant::now();
    for _ in 0..times {
        function.ask(event).await;
    }
    f64::from(times) / begin.elapsed().as_secs_f64()
}

/// What the store was asked since it was last reset.
fn requests(world: &World) -> f64 {
    let arrived = world.store.counts().arrived;
    u32::try_from(arrived).map_or(f64::INFINITY, f64::from)
}
