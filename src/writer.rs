//! The values of the half that writes.

mod vocabulary;

pub use vocabulary::{PropagationStart, Purpose};
