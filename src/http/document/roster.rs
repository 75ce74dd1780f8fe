//! Where environments come from, in the status document.

use super::milliseconds;
use super::reps::{ArchiveErrorRep, ArchiveRep, AutoConfigRep, ErrorRep, RefusedRep};
use crate::clock::since_epoch;
use crate::roster::{
    AutoConfigError, AutoConfigErrorKind, AutoConfigStatus, RefusedEnvironment, RosterOrigin,
};
use crate::status::ArchiveFacts;

pub(super) fn auto_config(status: &AutoConfigStatus, origin: RosterOrigin) -> AutoConfigRep {
    let error = |error: AutoConfigError| ErrorRep {
        kind: error.kind.text(),
        time: error.time_ms,
        status_code: match error.kind {
            AutoConfigErrorKind::Response(status) => Some(status),
            _ => None,
        },
    };
    AutoConfigRep {
        state: status.state.text(),
        state_since: status.since_ms,
        source: match origin {
            RosterOrigin::Nowhere => None,
            RosterOrigin::Cache => Some("cache"),
            RosterOrigin::LaunchDarkly => Some("launchdarkly"),
        },
        last_error: status.last_error.map(error),
    }
}

pub(super) fn archive(facts: &ArchiveFacts) -> ArchiveRep<'_> {
    let taken = facts.taken.as_ref();
    ArchiveRep {
        modified: taken.map(|it| since_epoch(it.modified)),
        bytes: taken.map(|it| it.bytes),
        checksum: taken.map(|it| hex::encode(it.checksum)),
        last_error: facts
            .last_error
            .as_ref()
            .map(|(message, at)| ArchiveErrorRep {
                message,
                time: milliseconds(*at),
            }),
    }
}

pub(super) fn refused(environment: &RefusedEnvironment) -> RefusedRep<'_> {
    RefusedRep {
        id: &environment.id,
        reason: &environment.reason,
        serving: environment.serving,
    }
}
