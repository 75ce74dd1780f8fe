//! What the daemon holds of the machine's memory when everything is written and nothing happens.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::sleep;

use super::figure::{
    MEMORY_500, MEMORY_500_RESTARTED, MEMORY_5000, MEMORY_5000_RESTARTED, PEAK_5000,
    PEAK_5000_RESTARTED,
};
use super::generated;
use super::report::Report;
use super::samples::Samples;
use super::world::{Daemon, World};

const ROUNDS: usize = 3;
/// Nothing of a sync is under way any more after this time; metrics were tidied up.
const REST: Duration = Duration::from_secs(7);

pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let [first, again, ..] = rounds(500).await?;
    report.add(MEMORY_500, first)?;
    report.add(MEMORY_500_RESTARTED, again)?;
    let [first, again, peak, peak_again] = rounds(5_000).await?;
    report.add(MEMORY_5000, first)?;
    report.add(MEMORY_5000_RESTARTED, again)?;
    report.add(PEAK_5000, peak)?;
    report.add(PEAK_5000_RESTARTED, peak_again)
}

/// Resident at rest after a first sync and after a restart without change, and the peaks of both.
async fn rounds(flags: usize) -> Result<[Samples; 4]> {
    let items = generated(flags);
    let mut values: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        let world = World::new(&items).await?;
        let daemon = world.daemon()?;
        world.first_sync().await?;
        let (first, first_peak) = at_rest(&daemon).await?;
        daemon.kill().await?;
        world.store.reset_counts();
        let daemon = world.daemon()?;
        world.environment.wait_for_connections(2).await;
        let (again, again_peak) = at_rest(&daemon).await?;
        daemon.kill().await?;
        ensure!(world.store.counts().writes() == 0, "the restart wrote");
        for (values, value) in values
            .iter_mut()
            .zip([first, again, first_peak, again_peak])
        {
            values.push(value);
        }
        Report::progress(&format!(
            "memory, {flags} flags: {first:.1} (peak {first_peak:.1}), restarted {again:.1} (peak {again_peak:.1}) MB"
        ))?;
    }
    Ok(values.map(|values| values.into_iter().collect()))
}

async fn at_rest(daemon: &Daemon) -> Result<(f64, f64)> {
    sleep(REST).await;
    Ok((daemon.memory("VmRSS")?, daemon.memory("VmHWM")?))
}
