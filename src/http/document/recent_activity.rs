//! What an environment did lately, in the status document.

use std::time::Duration;

use super::milliseconds;
use super::reps::{ChangeRep, PropagationRep};
use crate::status::{Propagation, Written};

pub(super) fn propagation(it: Propagation) -> PropagationRep {
    PropagationRep {
        writes: it.writes,
        p50: tenths(it.p50),
        p99: tenths(it.p99),
    }
}

pub(super) fn change(it: &Written) -> ChangeRep<'_> {
    ChangeRep {
        kind: it.key.kind.label(),
        key: &it.key.key,
        done: it.done.label(),
        from: it.from,
        to: it.to,
        at: milliseconds(it.at),
        propagation: it.propagation.map(tenths),
        repair: it.repair,
    }
}

/// Milliseconds with one decimal, as the log has them.
fn tenths(took: Duration) -> f64 {
    (took.as_secs_f64() * 10_000.0).round() / 10.0
}
