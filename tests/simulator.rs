//! The simulator, spoken to as its clients do: over sockets.
#![cfg(feature = "demo")]

#[path = "simulator/store.rs"]
mod store;
