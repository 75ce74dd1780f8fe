//! What each command does. Only commands print.

pub mod config;
