//! The half that listens, as the value that it is: what it does about each event, and what holds in whatever order they come.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "listener/endings.rs"]
mod endings;
#[path = "listener/journeys.rs"]
mod journeys;
#[path = "listener/orders.rs"]
mod orders;
#[path = "listener/polls.rs"]
mod polls;
#[path = "listener/states.rs"]
mod states;
#[path = "listener/world.rs"]
mod world;
