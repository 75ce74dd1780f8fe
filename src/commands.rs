//! What the program can be told to do: one file each. Only these print.

pub mod config;
pub mod health;
pub mod run;
pub mod sync;
pub mod verify;
