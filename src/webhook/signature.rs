//! Who speaks: only LaunchDarkly knows the secret with which the bytes are signed.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The bytes of HMAC-SHA256.
const LENGTH: usize = 32;

/// Whether the secret signed these bytes, as they came. The signature is the header's value: exactly 64 hexadecimal
/// digits, in either case. An empty secret, which everybody knows, signs nothing.
///
/// Compares in constant time, so that the time taken does not tell how much was right.
pub fn is_signed(body: &[u8], signature: &[u8], secret: &SecretString) -> bool {
    let mut expected = [0; LENGTH];
    let is_one = hex::decode_to_slice(signature, &mut expected).is_ok();
    let is_right = || mac(body, secret).is_some_and(|mac| mac.verify_slice(&expected).is_ok());
    is_one && !secret.expose_secret().is_empty() && is_right()
}

/// The signature that LaunchDarkly would send with these bytes, in lower case.
pub fn sign(body: &[u8], secret: &SecretString) -> String {
    mac(body, secret).map_or_else(String::new, |mac| hex::encode(mac.finalize().into_bytes()))
}

/// None is never the case: a key may have any length.
fn mac(body: &[u8], secret: &SecretString) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    mac.update(body);
    Some(mac)
}
