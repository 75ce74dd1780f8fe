//! A first write to a store that gives each partition 1,000 write units a second and refuses the rest, as AWS does.

use std::time::Duration;

use anyhow::Result;
use ld_dynamodb_relay::simulator::store::RequestOutcome;

use super::figure::{LIMITED, LIMITED_REFUSED};
use super::generated;
use super::report::Report;
use super::world::{World, span};

const ROUNDS: usize = 3;
const LIMIT: f64 = 1_000.0;
const LATENCY: Duration = Duration::from_millis(4);

pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let items = generated(5_000);
    let (mut times, mut refused) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let world = World::new(&items).await?;
        world.store.limit(Some(LIMIT));
        world.store.latency(LATENCY);
        let daemon = world.daemon()?;
        let log = world.first_sync().await?;
        daemon.kill().await?;
        let counts = world.store.counts();
        let (seconds, units) = (span(&log)?.as_secs_f64(), counts.write_units());
        times.push(seconds / (units / LIMIT));
        refused.extend(u32::try_from(counts.with(RequestOutcome::Throttled)).map(f64::from));
        Report::progress(&format!(
            "first write with a limit: {units} units in {seconds:.1} s"
        ))?;
    }
    report.add(LIMITED, times.into_iter().collect())?;
    report.add(LIMITED_REFUSED, refused.into_iter().collect())
}
