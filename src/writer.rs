//! The half that writes, as values: what it is told, what it asks of the table, what it tells. Pure: it reads no clock, no
//! socket and no random source. The loop around it is `environment/write.rs`.
//!
//! | value | holds |
//! | --- | --- |
//! | [`Ledger`] | what the table holds, and who else changed it |
//! | [`Agenda`] | what is to be compared, and since when |
//! | [`Holds`](crate::plan::Holds) | differences that are left, and why |
//! | [`Looks`] | when the table is read, and how far a reading is |
//! | [`Guard`](guard::Guard) | whether anything may be written |
//! | [`Setbacks`] | whose fault it is that writes fail |
//! | [`Pass`] | a plan that is being carried out |
//! | [`Pace`](pace::Pace) | how fast a partition takes writes |

mod agenda;
mod contests;
mod fact;
mod guard;
mod heed;
mod largest;
mod ledger;
mod looked;
mod looks;
mod pace;
mod pass;
mod request;
mod send;
mod setbacks;
mod standing;
mod step;
mod vocabulary;

pub use agenda::{Agenda, AgendaEntry, Why};
pub use fact::{Held, RowChange, Standing, Stored, WriteFact};
pub use ledger::Ledger;
pub use looks::{Looks, ReadPace};
pub use pass::Pass;
pub use request::{Answered, Page, TableAnswer, TableRequest};
pub use setbacks::{Setbacks, WriteFailure, after_failures};
pub use standing::describe;
pub use step::{Manner, View, Work, WriteEvent, Writer};
pub use vocabulary::{HeldReason, PropagationStart, Purpose, TablePhase};
