//! LaunchDarkly's side: protocols without a socket, and the one place that has one.

pub mod fdv1;
mod poll;
pub mod sse;
mod stream;

pub use stream::{Client, Greeting, Refusal, Session, Setup, Signal};
