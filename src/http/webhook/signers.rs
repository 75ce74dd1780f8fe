//! Whose secrets signed a body.

use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::yield_now;

use super::super::App;
use crate::secrets::Kept;
use crate::webhook::is_signed;

/// Which secrets signed a body, and so which environments it may wake.
pub(super) struct Signers {
    /// Those of every environment without its own.
    shared: bool,
    /// For each environment with secrets of its own, theirs.
    own: Vec<Option<bool>>,
}

impl Signers {
    /// Tries every secret that there is, whatever the path says and whichever fits: how long an answer takes tells
    /// nobody which environments there are.
    pub(super) async fn of(app: &App, body: &[u8], signature: &[u8]) -> Self {
        let shared = signs(&app.webhook.secrets, body, signature).await;
        let mut own = Vec::with_capacity(app.environments.len());
        for environment in &*app.environments {
            let secrets = &environment.webhook_secrets;
            own.push(if secrets.is_empty() {
                None
            } else {
                Some(signs(secrets, body, signature).await)
            });
        }
        Self { shared, own }
    }

    /// Whether any secret did.
    pub(super) fn is_any(&self) -> bool {
        self.shared || self.own.contains(&Some(true))
    }

    /// The environments whose secrets did.
    pub(super) fn environments(&self) -> Vec<usize> {
        let accepts = |own: &Option<bool>| own.unwrap_or(self.shared);
        let signed = self.own.iter().enumerate();
        signed
            .filter_map(|(at, own)| accepts(own).then_some(at))
            .collect()
    }
}

async fn signs(secrets: &[Kept], body: &[u8], signature: &[u8]) -> bool {
    let mut signs = false;
    for secret in secrets {
        // A large body takes a while for each secret; others want to be answered meanwhile.
        yield_now().await;
        signs |= is_signed(body, signature, &parts(secret));
    }
    signs
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
