//! The half that listens, as values: what connections there are, when another one is opened, and what webhooks announced.
//! Pure: it reads no clock, no socket and no random source. The loop around it is `environment/listen.rs`.

mod announced;
mod backoff;
mod ended;
mod fact;
mod hints;
mod line;
mod recent;
mod said;
mod step;
mod vocabulary;

pub use announced::Announced;
pub use backoff::Backoff;
pub use fact::{ErrorKind, ListenFact, SessionFailure};
pub use hints::{Hint, HintOutcomes};
pub use line::{ConnectionState, Line, Role};
pub use step::{ConnectionOrder, Context, ListenEvent, Listener, Wakes};
pub use vocabulary::{Action, Ignored, SessionEnd, WakeResult};
