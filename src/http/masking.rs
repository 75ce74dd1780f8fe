//! What is shown of secrets.

use secrecy::{ExposeSecret as _, SecretString};

/// A key with everything but its kind and its last four characters starred; the Relay Proxy shows one more, and all
/// that is no hexadecimal digit. Short ones are starred as a whole: four characters would be too much of them.
pub(super) fn masked(key: &SecretString) -> String {
    let key = key.expose_secret();
    let kind = ["sdk-", "mob-"]
        .into_iter()
        .find(|kind| key.starts_with(kind))
        .unwrap_or_default();
    let length = key.chars().count();
    let shown = if length >= 20 { length - 4 } else { length };
    let star = |(at, char)| {
        if at < kind.len() || at >= shown || char == '-' {
            char
        } else {
            '*'
        }
    };
    key.chars().enumerate().map(star).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_at_most_its_last_four_characters() {
        let check = |key: &str, expect| assert_eq!(masked(&SecretString::from(key)), expect);
        check(
            "sdk-01234567-89ab-cdef-0123-456789abcdef",
            "sdk-********-****-****-****-********cdef",
        );
        check("mob-zyxw-not-hexadecimal", "mob-****-***-*******imal");
        check("0123456789abcdefghij", "****************ghij");
        check("sdk-short", "sdk-*****");
        check("", "");
    }
}
