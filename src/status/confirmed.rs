//! Until when the table is known to hold what LaunchDarkly says.

use super::{Facts, Moment, TablePhase};

impl Facts {
    /// What LaunchDarkly had said until then was last known to be stored or held by name. A heartbeat counts: it says that
    /// nothing is missing.
    pub fn confirmed(&self) -> Option<Moment> {
        let heard = self.heard.filter(|_| self.said_everything)?;
        match self.stored {
            _ if self.table.0 == TablePhase::Settled => Some(heard),
            // Since then something was said that is not stored.
            Some(stored) if stored.monotonic < heard.monotonic => Some(stored),
            Some(_) => Some(heard),
            None => None,
        }
    }

    /// Since when the brake has been holding removals.
    pub fn braked_since(&self) -> Option<tokio::time::Instant> {
        let braked = self
            .held
            .values()
            .filter(|held| held.reason == super::HeldReason::Brake);
        braked.map(|held| held.since).min()
    }
}
