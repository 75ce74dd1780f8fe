//! Drift and its repair in the log: rows by name as long as they are few, and then by their number.

use tracing::{debug, info, warn};

use crate::model::{DriftType, ItemKey};

/// More things of one sort than this are told by their number.
pub(super) const NAMED_AT_ONCE: usize = 20;

/// How many rows, by how they differed.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally([usize; DriftType::ALL.len()]);

impl Tally {
    fn count(&mut self, drift: DriftType) {
        let index = DriftType::ALL.iter().position(|it| *it == drift);
        if let Some(count) = index.and_then(|index| self.0.get_mut(index)) {
            *count += 1;
        }
    }

    fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// Those that there are: `missing=4 altered=1`.
    fn by_type(&self) -> String {
        let counted = DriftType::ALL.iter().zip(self.0);
        let told = counted.filter(|(_, count)| *count > 0);
        let told: Vec<_> = told
            .map(|(drift, count)| format!("{}={count}", drift.label()))
            .collect();
        told.join(" ")
    }

    /// A repair was applied; whether it is one of few, and so told by name.
    pub(super) fn repaired(&mut self, drift: DriftType) -> bool {
        self.count(drift);
        self.total() <= NAMED_AT_ONCE
    }

    /// No repair is left.
    pub(super) fn all_repaired(&mut self) {
        let tally = std::mem::take(self);
        if tally.total() > NAMED_AT_ONCE {
            info!(rows = tally.total(), by_type = tally.by_type(), "repaired");
        }
    }

    /// A row was found to differ.
    pub(super) fn found(&mut self, key: &ItemKey, drift: DriftType, repair: bool) {
        self.count(drift);
        if self.total() <= NAMED_AT_ONCE {
            warn!(r#type = drift.label(), kind = %key.kind, key = %key.key, repair, "a row changed without us");
        } else {
            debug!(r#type = drift.label(), kind = %key.kind, key = %key.key, repair, "a row changed without us");
        }
    }

    /// The table was read as a whole.
    pub(super) fn all_found(&mut self, repair: bool) {
        let tally = std::mem::take(self);
        if tally.total() > NAMED_AT_ONCE {
            warn!(
                rows = tally.total(),
                by_type = tally.by_type(),
                repair,
                "many rows changed without us; the first 20 are named above"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_tells_only_what_there_is() {
        let mut tally = Tally::default();
        for _ in 0..NAMED_AT_ONCE {
            assert!(tally.repaired(DriftType::Missing));
        }
        assert!(!tally.repaired(DriftType::Altered));
        assert_eq!(
            (tally.total(), &*tally.by_type()),
            (21, "missing=20 altered=1")
        );
        tally.all_repaired();
        assert_eq!(tally.by_type(), "");
    }
}
