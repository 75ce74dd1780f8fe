//! The settings, from outside: what is read, what is refused, what is shown.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where failing is the point"
)]

#[expect(dead_code, reason = "what other tests need too")]
#[path = "../tls/certificates.rs"]
mod certificates;
mod files;
mod options;
mod problems;
mod proxy;
mod roster;
mod secrets;
mod settings;
mod tls;
