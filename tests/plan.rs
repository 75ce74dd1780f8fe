//! Properties of the plan: what it writes, in what order, what it holds and for how long.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "plan/aside.rs"]
mod aside;
#[path = "plan/brake.rs"]
mod brake;
#[path = "plan/checks.rs"]
mod checks;
#[path = "plan/combined.rs"]
mod combined;
#[path = "plan/drive.rs"]
mod drive;
#[path = "plan/events.rs"]
mod events;
#[path = "plan/failing.rs"]
mod failing;
#[path = "plan/figures.rs"]
mod figures;
#[path = "plan/identity.rs"]
mod identity;
#[path = "plan/items.rs"]
mod items;
#[path = "plan/journeys.rs"]
mod journeys;
#[path = "plan/long.rs"]
mod long;
#[path = "plan/order.rs"]
mod order;
#[path = "plan/overlap.rs"]
mod overlap;
#[path = "plan/rivals.rs"]
mod rivals;
#[path = "plan/rules.rs"]
mod rules;
#[path = "plan/scene.rs"]
mod scene;
#[path = "plan/sharp.rs"]
mod sharp;
#[path = "plan/stale.rs"]
mod stale;
#[path = "plan/store.rs"]
mod store;
#[path = "plan/stuck.rs"]
mod stuck;
#[path = "plan/throttled.rs"]
mod throttled;
#[path = "plan/world.rs"]
mod world;
