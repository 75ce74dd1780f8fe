//! What the program can be told to do: one file each. Only these print.

pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod doctor;
pub mod dry_run;
mod environments;
pub mod health;
pub mod run;
#[cfg(feature = "demo")]
pub mod simulate;
pub mod sync;
pub mod verify;
pub mod webhook_policy;
