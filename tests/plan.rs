//! Properties of the plan: what it writes, in what order, what it holds and for how long.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "plan/brake.rs"]
mod brake;
#[path = "plan/events.rs"]
mod events;
#[path = "plan/items.rs"]
mod items;
#[path = "plan/journeys.rs"]
mod journeys;
#[path = "plan/order.rs"]
mod order;
#[path = "plan/rules.rs"]
mod rules;
#[path = "plan/store.rs"]
mod store;
#[path = "plan/world.rs"]
mod world;
#[path = "plan/writer.rs"]
mod writer;
