//! LaunchDarkly's side: protocols without a socket, and the places that have one.

mod client;
mod events;
pub mod fdv1;
mod poll;
mod signal;
pub mod sse;
mod stream;

pub use client::{Client, Endpoints, Session, Setup, Transport};
pub use events::{EventStream, StreamSignal};
pub use signal::{Greeting, Refusal, Signal};
