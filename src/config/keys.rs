//! What an SDK key looks like, and what other keys are mistaken for one.

use reqwest::Url;

const LONGEST: usize = 8_192;

/// What form an SDK key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyForm {
    /// A server-side SDK key.
    Right,
    /// Not LaunchDarkly's form, which an upstream of another make may well have.
    Unusual,
    /// A sentence that follows "the SDK key ...".
    Wrong(&'static str),
}

/// The form of this key; the answer never repeats the key.
pub(super) fn form_of(key: &str, upstream_is_launchdarkly: bool) -> KeyForm {
    if key.trim() != key {
        return KeyForm::Wrong("begins or ends with a blank or a line break; remove it");
    }
    if key.len() > LONGEST || !key.bytes().all(|it| (0x21..=0x7e).contains(&it)) {
        return KeyForm::Wrong("holds characters that no key has; copy it again from LaunchDarkly");
    }
    if key.starts_with("sdk-") {
        return KeyForm::Right;
    }
    if key.starts_with("mob-") {
        return KeyForm::Wrong(
            "is a mobile key; take the server-side SDK key (sdk-...) of the same environment",
        );
    }
    if key.starts_with("rel-") {
        return KeyForm::Wrong(
            "is the key of a Relay Proxy configuration; give it as AUTO_CONFIG_KEY, or take the server-side SDK key \
             (sdk-...) of the environment",
        );
    }
    if key.starts_with("api-") {
        return KeyForm::Wrong(
            "is an API access token; take the server-side SDK key (sdk-...) of the environment",
        );
    }
    if !upstream_is_launchdarkly {
        return KeyForm::Unusual;
    }
    if key.len() == 24 && key.bytes().all(|it| it.is_ascii_hexdigit()) {
        return KeyForm::Wrong(
            "is a client-side ID; take the server-side SDK key (sdk-...) of the same environment",
        );
    }
    KeyForm::Wrong(
        "does not begin with sdk-, as LaunchDarkly's server-side SDK keys do; copy it again from LaunchDarkly",
    )
}

/// Whether the host is LaunchDarkly's own.
pub(super) fn is_launchdarkly(uri: &str) -> bool {
    let url = Url::parse(uri).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    ["launchdarkly.com", "launchdarkly.us", "launchdarkly.eu"]
        .iter()
        .any(|domain| {
            host.strip_suffix(domain)
                .is_some_and(|before| before.is_empty() || before.ends_with('.'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_keys_are_told_apart() {
        let wrong = |key: &str| match form_of(key, true) {
            KeyForm::Wrong(sentence) => sentence,
            other => panic!("{key}: {other:?}"),
        };
        assert_eq!(form_of("sdk-1", true), KeyForm::Right);
        assert!(wrong("mob-1").contains("mobile key"));
        assert!(wrong("rel-1").contains("Relay Proxy configuration"));
        assert!(wrong("api-1").contains("API access token"));
        assert!(wrong("0123456789abcdef01234567").contains("client-side ID"));
        assert!(wrong("my-project").contains("sdk-"));
        assert!(wrong("sdk-1\n").contains("line break"));
        assert!(wrong("sdk-\u{e9}").contains("characters"));
        assert!(wrong("sdk- 1").contains("characters"));
        assert!(wrong(&format!("sdk-{}", "1".repeat(8_189))).contains("characters"));
        assert_eq!(
            form_of(&format!("sdk-{}", "1".repeat(8_188)), true),
            KeyForm::Right
        );
    }

    #[test]
    fn another_upstream_may_have_other_keys_but_not_those_of_another_kind() {
        assert_eq!(form_of("my-project", false), KeyForm::Unusual);
        assert!(matches!(form_of("mob-1", false), KeyForm::Wrong(_)));
    }

    #[test]
    fn launchdarkly_is_told_by_its_domains() {
        for own in [
            "https://stream.launchdarkly.com",
            "https://launchdarkly.com",
            "https://stream.launchdarkly.us",
            "https://stream.eu.launchdarkly.com",
        ] {
            assert!(is_launchdarkly(own), "{own}");
        }
        for other in [
            "http://localhost:8765",
            "https://notlaunchdarkly.com",
            "https://launchdarkly.com.example",
        ] {
            assert!(!is_launchdarkly(other), "{other}");
        }
    }
}
