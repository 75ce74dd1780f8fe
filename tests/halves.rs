//! Both halves of an environment together, between a LaunchDarkly and a table in memory, while time is paused: hours and
//! days of it in milliseconds. Their loops and everything that they decide are what runs in production.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "halves/archive.rs"]
mod archive;
#[path = "halves/brake.rs"]
mod brake;
#[path = "halves/cell.rs"]
mod cell;
#[path = "plan/items.rs"]
#[expect(dead_code, reason = "the tests of the plan use the rest")]
mod items;
#[path = "halves/launchdarkly.rs"]
mod launchdarkly;
#[path = "halves/opening.rs"]
mod opening;
#[path = "halves/outage.rs"]
mod outage;
#[path = "halves/owed.rs"]
mod owed;
#[path = "halves/quiet.rs"]
mod quiet;
#[path = "halves/refused.rs"]
mod refused;
#[path = "halves/relay.rs"]
mod relay;
#[path = "halves/replicas.rs"]
mod replicas;
#[path = "halves/retries.rs"]
mod retries;
#[path = "halves/rival.rs"]
mod rival;
#[path = "halves/stop.rs"]
mod stop;
#[path = "plan/store.rs"]
#[expect(dead_code, reason = "the tests of the plan use the rest")]
mod store;
#[path = "halves/table.rs"]
mod table;
#[path = "halves/turns.rs"]
mod turns;
