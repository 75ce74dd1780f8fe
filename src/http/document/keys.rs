//! Which keys an environment accepts, in the status document.

use std::time::SystemTime;

use secrecy::ExposeSecret as _;

use super::reps::KeyRep;
use crate::clock::since_epoch;
use crate::http::masking::masked;
use crate::registry::EnvironmentInfo;
use crate::roster::AcceptedKey;

/// The key that is used comes first, and has no end; the others follow, until they expire.
pub(super) fn sdk_keys(info: &EnvironmentInfo, now: SystemTime) -> Vec<KeyRep<'_>> {
    let used = info.sdk_key.value();
    let is_used = |key: &AcceptedKey| {
        let used = used.as_ref();
        used.is_some_and(|used| used.expose_secret() == key.value.expose_secret())
    };
    let first = used.as_ref().map(|used| KeyRep {
        identifier: info
            .sdk_keys
            .iter()
            .find(|key| is_used(key))
            .and_then(|key| key.identifier.as_deref()),
        value: masked(used),
        expiry: None,
    });
    let others = info.sdk_keys.iter().filter(|key| !is_used(key));
    first.into_iter().chain(accepted(others, now)).collect()
}

/// Those that have not expired.
pub(super) fn mobile_keys(info: &EnvironmentInfo, now: SystemTime) -> Vec<KeyRep<'_>> {
    accepted(info.mobile_keys.iter(), now).collect()
}

fn accepted<'a>(
    keys: impl Iterator<Item = &'a AcceptedKey>,
    now: SystemTime,
) -> impl Iterator<Item = KeyRep<'a>> {
    let now = since_epoch(now);
    keys.filter(move |key| key.holds_at(now)).map(|key| KeyRep {
        identifier: key.identifier.as_deref(),
        value: masked(&key.value),
        expiry: key.expiry_ms,
    })
}
