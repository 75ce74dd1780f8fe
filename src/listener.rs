//! The half that listens, as values: what connections there are, when another one is opened, and what webhooks announced.
//! Pure: it reads no clock, no socket and no random source. The loop around it is `environment/listen.rs`.

mod announced;
mod backoff;
mod ended;
mod fact;
mod hints;
mod line;
mod recent;
mod step;
mod vocabulary;

pub use announced::Announced;
pub use backoff::{Allowance, Backoff, EarlyTry};
pub use fact::{Fact, Failure};
pub use hints::{Answered, Hint, Hints};
pub use line::{Line, State, Which};
pub use step::{At, Context, Event, Listener, Order, Wakes};
pub use vocabulary::{Action, Ignored, SessionEnd, Wake};
