//! From the start of the process to its first request, whichever side gets it.

use anyhow::Result;
use tokio::time::Instant;

use super::figure::START;
use super::generated;
use super::report::Report;
use super::samples::milliseconds;
use super::world::World;

const ROUNDS: usize = 25;

pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let items = generated(500);
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let world = World::new(&items).await?;
        let daemon = world.daemon()?;
        tokio::select! {
            () = world.launchdarkly.wait_for_requests(1) => {}
            () = world.store.wait_for_requests(1) => {}
        }
        times.push(milliseconds(Instant::now() - daemon.spawned));
        daemon.kill().await?;
    }
    report.add(START, times.into_iter().collect())
}
