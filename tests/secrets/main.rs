//! Secrets that change while they are in use, in files and at AWS.
#![cfg(test)]

mod answers;
mod files;
mod world;
