//! The values of the half that listens.

mod vocabulary;

pub use vocabulary::{Action, Ignored, SessionEnd, Wake};
