//! The settings, from outside: what is read, what is refused, what is shown.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where failing is the point"
)]

mod files;
mod options;
mod problems;
mod roster;
mod secrets;
mod settings;
mod tls;
