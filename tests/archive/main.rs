//! LaunchDarkly's offline archives: what is read of a file, what holds after it, when it is read, and what an environment
//! hears of it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod applying;
mod file;
mod half_copied;
mod log;
mod looking;
mod members;
mod pack;
mod reading;
mod sessions;
mod simulated;
mod watching;
