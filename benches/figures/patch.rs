//! One patch at a time, and a bare `PutItem` of the same size after each: from the moment that it is said to the moment
//! that the store has answered. And a thousand patches at once.

use std::time::Duration;

use anyhow::{Context as _, Result};
use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::simulator::Items;
use ld_dynamodb_relay::simulator::store::round_trips;
use tokio::time::Instant;

use super::figure::{BARE_PUT, PATCH_MEDIAN, PATCH_P99, PATCH_VERIFIED, STORM, STORM_TRIPS};
use super::report::Report;
use super::samples::{Samples, milliseconds};
use super::world::World;
use super::{bare, generated};

const ROUNDS: u64 = 5;
const PATCHES: usize = 400;
const STORM_ROUNDS: u64 = 5;
const STORM_PATCHES: usize = 1_000;
/// So long that composing 32 requests takes less: round trips are counted, not cores.
const LATENCY: Duration = Duration::from_millis(20);

pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let items = generated(500);
    let world = World::new(&items).await?;
    let daemon = world.daemon()?;
    world.first_sync().await?;
    let client = bare::client(&world.store.endpoint()).await;
    let (mut medians, mut p99s, mut bares) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (mut stored, mut put) = (Vec::new(), Vec::new());
        for (key, text) in patches(&items, PATCHES, round + 1) {
            let version = items.version(&key).unwrap_or_default();
            let announced = Instant::now();
            world.environment.put(&key, &text);
            stored.push(answered(&world, announced).await?);
            world.store.reset_counts();
            let sent = Instant::now();
            let (done, time) = tokio::join!(
                bare::put(&client, &key, version, &text),
                answered(&world, sent)
            );
            done?;
            put.push(time?);
            world.store.reset_counts();
        }
        if round == 0 {
            continue; // to warm up
        }
        let (stored, put): (Samples, Samples) =
            (stored.into_iter().collect(), put.into_iter().collect());
        Report::progress(&format!(
            "patches: median {:.2} and p99 {:.2} ms, bare {:.2} and {:.2} ms",
            stored.median(),
            stored.p99(),
            put.median(),
            put.p99()
        ))?;
        medians.push(stored.median() - put.median());
        p99s.push(stored.p99() - put.p99());
        bares.push(put.median());
    }
    daemon.kill().await?;
    report.add(PATCH_MEDIAN, medians.into_iter().collect())?;
    report.add(PATCH_P99, p99s.into_iter().collect())?;
    report.add(BARE_PUT, bares.into_iter().collect())?;
    verified(report).await?;
    storm(report).await
}

/// The same of 5,000 flags, while the whole table is read again and again, and while it is not.
async fn verified(report: &mut Report) -> Result<()> {
    let items = generated(5_000);
    let world = World::new(&items).await?;
    let mut p99s = Vec::new();
    for round in 0..=ROUNDS {
        let mut both = Vec::new();
        for (turn, interval) in ["24h", "100ms"].into_iter().enumerate() {
            let daemon = world.daemon_with(&[("VERIFY_INTERVAL", interval)])?;
            if round == 0 && turn == 0 {
                world.first_sync().await?;
            }
            let by = 2 * round + u64::try_from(turn)? + 1;
            let patches = patches(&items, PATCHES, by);
            let mut patches = patches.iter();
            // The first one waits until the daemon has started.
            if let Some((key, text)) = patches.next() {
                world.store.reset_counts();
                world.environment.put(key, text);
                answered(&world, Instant::now()).await?;
            }
            let mut stored = Vec::new();
            for (key, text) in patches {
                world.store.reset_counts();
                let announced = Instant::now();
                world.environment.put(key, text);
                stored.push(answered(&world, announced).await?);
            }
            daemon.kill().await?;
            both.push(stored.into_iter().collect::<Samples>());
        }
        let [without, with] = &both[..] else {
            continue;
        };
        Report::progress(&format!(
            "patches: p99 {:.2} ms, and {:.2} ms while the table is verified",
            without.p99(),
            with.p99()
        ))?;
        if round > 0 {
            p99s.push(with.p99() - without.p99());
        }
    }
    report.add(PATCH_VERIFIED, p99s.into_iter().collect())
}

async fn storm(report: &mut Report) -> Result<()> {
    let items = generated(5_000);
    let world = World::new(&items).await?;
    let daemon = world.daemon()?;
    world.first_sync().await?;
    world.store.latency(LATENCY);
    let (mut times, mut trips) = (Vec::new(), Vec::new());
    for round in 0..STORM_ROUNDS {
        let patches = patches(&items, STORM_PATCHES, round + 1);
        world.store.reset_counts();
        let announced = Instant::now();
        for (key, text) in &patches {
            world.environment.put(key, text);
        }
        world.written(patches.len()).await;
        let log = world.store.log();
        let last = log.iter().map(|record| record.answered).max();
        times.push(milliseconds(
            last.context("nothing was stored")? - announced,
        ));
        trips.extend(u32::try_from(round_trips(&log)).map(f64::from));
    }
    daemon.kill().await?;
    report.add(STORM, times.into_iter().collect())?;
    report.add(STORM_TRIPS, trips.into_iter().collect())
}

/// Milliseconds until the store has answered the one write since its counts were reset.
async fn answered(world: &World, since: Instant) -> Result<f64> {
    world.written(1).await;
    let log = world.store.log();
    let write = log.iter().find(|record| record.request.operation.writes());
    Ok(milliseconds(
        write.context("no write is in the log")?.answered - since,
    ))
}

/// Flags at higher versions, each another one, otherwise as they are.
fn patches(items: &Items, count: usize, by: u64) -> Vec<(ItemKey, String)> {
    let flags = items.iter().filter(|(key, _)| key.kind == Kind::Flag);
    let newer = flags.map(|(key, text)| {
        let version = items.version(key).unwrap_or_default();
        let (old, new) = (
            format!("\"version\":{version}"),
            format!("\"version\":{}", version + by),
        );
        (key.clone(), text.replacen(&old, &new, 1))
    });
    newer.take(count).collect()
}
