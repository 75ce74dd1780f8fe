//! Properties of the values that the writing half is made of, each against a model that is too simple to be wrong.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "values/agenda.rs"]
mod agenda;
#[path = "values/blame.rs"]
mod blame;
#[path = "values/drift.rs"]
mod drift;
#[path = "values/given.rs"]
mod given;
#[path = "values/ledger.rs"]
mod ledger;
#[path = "values/looks.rs"]
mod looks;
#[path = "values/pass.rs"]
mod pass;
#[path = "values/reading.rs"]
mod reading;
#[path = "values/setbacks.rs"]
mod setbacks;
#[path = "values/verdicts.rs"]
mod verdicts;
#[path = "values/waits.rs"]
mod waits;
