//! A first sync beside a bare loop that writes the same rows, in turns.

use anyhow::Result;

use super::figure::{BARE_LOOP_5000, FIRST_SYNC_500, FIRST_SYNC_5000, Figure, READY_5000};
use super::report::Report;
use super::samples::Samples;
use super::world::{World, span};
use super::{bare, generated};

const ROUNDS: usize = 9;

pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let (ratios, ..) = rounds(500, &FIRST_SYNC_500).await?;
    report.add(FIRST_SYNC_500, ratios)?;
    let (ratios, bare, ready) = rounds(5_000, &FIRST_SYNC_5000).await?;
    report.add(FIRST_SYNC_5000, ratios)?;
    report.add(BARE_LOOP_5000, bare)?;
    report.add(READY_5000, ready)
}

/// How many bare loops each sync took, the seconds of a bare loop, and those from a daemon's start to the marker.
async fn rounds(flags: usize, figure: &Figure) -> Result<(Samples, Samples, Samples)> {
    let items = generated(flags);
    let (mut ratios, mut loops, mut ready) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Each is first in every other round: who comes second finds a warmer machine.
        let before = if round % 2 == 0 {
            Some(bare::seconds(flags).await?)
        } else {
            None
        };
        let world = World::new(&items).await?;
        let daemon = world.daemon()?;
        let log = world.first_sync().await?;
        let sync = span(&log)?.as_secs_f64();
        ready.extend(
            log.last()
                .map(|last| (last.answered - daemon.spawned).as_secs_f64()),
        );
        daemon.kill().await?;
        drop(world);
        let bare = match before {
            Some(seconds) => seconds,
            None => bare::seconds(flags).await?,
        };
        Report::progress(&format!("{}: {sync:.3} s, bare {bare:.3} s", figure.name))?;
        ratios.push(sync / bare);
        loops.push(bare);
    }
    Ok((
        ratios.into_iter().collect(),
        loops.into_iter().collect(),
        ready.into_iter().collect(),
    ))
}
