//! Whose secrets signed a body.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::yield_now;

use super::super::App;
use crate::registry::Registered;
use crate::secrets::Kept;
use crate::webhook::{Candidate, candidates, is_signed};

/// Every secret as it is now, and which environments it may wake.
pub(super) fn secrets(app: &App, registered: &Registered) -> Vec<Candidate> {
    let common = app.webhook.secrets.iter().flat_map(parts).collect();
    let own = registered.iter().map(|it| {
        let own = &it.webhook_secrets;
        (!own.is_empty()).then(|| own.iter().flat_map(parts).collect())
    });
    candidates(common, own.collect())
}

/// The environments that the body may wake, in order; none if no secret signed it. Tries every secret, whichever fits: how
/// long an answer takes tells nobody which environments there are.
pub(super) async fn signed(
    secrets: &[Candidate],
    body: &[u8],
    signature: &[u8],
) -> Option<Vec<usize>> {
    let mut signed: Option<BTreeSet<usize>> = None;
    for one in secrets {
        // A large body takes a while for each secret; others want to be answered meanwhile.
        yield_now().await;
        if is_signed(body, signature, &one.secret) {
            signed.get_or_insert_default().extend(&one.environments);
        }
    }
    signed.map(|signed| signed.into_iter().collect())
}

/// A value may hold two secrets, with a comma between them, while one takes over from the other. What is not read yet, or
/// is empty, signs nothing.
fn parts(secret: &Kept) -> Vec<SecretString> {
    let value = secret.value().unwrap_or_default();
    let parts = value.expose_secret().split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .take(2)
        .map(SecretString::from)
        .collect()
}
