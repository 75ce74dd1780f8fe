//! What the two halves tell, taken to the status, the metrics and the log. Nobody else in them knows these.

mod listening;
mod tally;
mod told;
mod writing;

pub(super) use listening::ListenReporter;
pub use told::Told;
pub(super) use writing::WriteReporter;
pub(super) use writing::word_mismatch;
