//! What an SDK key looks like, and what other keys are mistaken for one.

use reqwest::Url;

const LONGEST: usize = 8_192;

/// What is to be thought of an SDK key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// A server-side SDK key.
    Right,
    /// Not LaunchDarkly's form, which an upstream of another make may well have.
    Unusual,
    /// A sentence that follows "the SDK key ...".
    Wrong(&'static str),
}

/// Judges the key without repeating it.
pub(super) fn judge(key: &str, upstream_is_launchdarkly: bool) -> Judged {
    if key.trim() != key {
        return Judged::Wrong("begins or ends with a blank or a line break; remove it");
    }
    if key.len() > LONGEST || !key.bytes().all(|it| (0x21..=0x7e).contains(&it)) {
        return Judged::Wrong("holds characters that no key has; copy it again from LaunchDarkly");
    }
    if key.starts_with("sdk-") {
        return Judged::Right;
    }
    if key.starts_with("mob-") {
        return Judged::Wrong(
            "is a mobile key; take the server-side SDK key (sdk-...) of the same environment",
        );
    }
    if key.starts_with("rel-") {
        return Judged::Wrong(
            "is the key of a Relay Proxy configuration (auto-configuration, not built yet); take the server-side SDK key \
             (sdk-...) of the environment",
        );
    }
    if key.starts_with("api-") {
        return Judged::Wrong(
            "is an API access token; take the server-side SDK key (sdk-...) of the environment",
        );
    }
    if !upstream_is_launchdarkly {
        return Judged::Unusual;
    }
    if key.len() == 24 && key.bytes().all(|it| it.is_ascii_hexdigit()) {
        return Judged::Wrong(
            "is a client-side ID; take the server-side SDK key (sdk-...) of the same environment",
        );
    }
    Judged::Wrong(
        "does not begin with sdk-, as LaunchDarkly's server-side SDK keys do; copy it again from LaunchDarkly",
    )
}

/// Whether the host is LaunchDarkly's own.
pub(super) fn is_launchdarkly(stream_uri: &str) -> bool {
    let url = Url::parse(stream_uri).ok();
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
        let wrong = |key: &str| match judge(key, true) {
            Judged::Wrong(sentence) => sentence,
            other => panic!("{key}: {other:?}"),
        };
        assert_eq!(judge("sdk-1", true), Judged::Right);
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
            judge(&format!("sdk-{}", "1".repeat(8_188)), true),
            Judged::Right
        );
    }

    #[test]
    fn another_upstream_may_have_other_keys_but_not_those_of_another_kind() {
        assert_eq!(judge("my-project", false), Judged::Unusual);
        assert!(matches!(judge("mob-1", false), Judged::Wrong(_)));
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
