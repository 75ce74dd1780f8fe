//! What environments there are, as auto-configuration says it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "roster/cache.rs"]
mod cache;
#[path = "roster/credentials.rs"]
mod credentials;
#[path = "roster/destinations.rs"]
mod destinations;
#[path = "roster/holds.rs"]
mod holds;
#[path = "roster/messages.rs"]
mod messages;
#[path = "roster/order.rs"]
mod order;
#[path = "roster/properties.rs"]
mod properties;
#[path = "roster/relay.rs"]
mod relay;
#[path = "roster/state.rs"]
mod state;
#[path = "roster/unusable.rs"]
mod unusable;
#[path = "roster/world.rs"]
mod world;
