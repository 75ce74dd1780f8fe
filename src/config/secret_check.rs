//! What makes a secret one of its kind: asked of what is configured, and again of each that is read later.
//!
//! An error completes the sentence "the value ...", and never repeats the value.

use super::keys::{self, KeyForm};

/// Checks a secret; an error completes the sentence "the value ...".
pub type Check = fn(&str) -> Result<(), String>;

/// One that holds, and while it is replaced its successor.
pub(super) const MAX_WEBHOOK_SECRETS: usize = 2;
pub(super) const TOO_MANY_WEBHOOK_SECRETS: &str = "holds more than two secrets; give the one that holds, and while it is replaced the new one too, separated by \
     a comma";
pub(super) const EMPTY_PART: &str =
    "has an empty part; remove the comma beside it, or write a secret there";

/// What is shorter can be guessed.
const SHORTEST: usize = 8;

/// The check for server-side SDK keys: of LaunchDarkly's form, if this is LaunchDarkly's.
pub fn sdk_key(stream_uri: &str) -> Check {
    if keys::is_launchdarkly(stream_uri) {
        |key| accepted(keys::form_of(key, true))
    } else {
        |key| accepted(keys::form_of(key, false))
    }
}

fn accepted(form: KeyForm) -> Result<(), String> {
    match form {
        KeyForm::Right | KeyForm::Unusual => Ok(()),
        KeyForm::Wrong(sentence) => Err(sentence.to_owned()),
    }
}

/// The check for the key of auto-configuration: a header has to carry it.
pub fn auto_config_key(text: &str) -> Result<(), String> {
    if text.starts_with("sdk-") || text.starts_with("mob-") {
        return Err("is a key of an environment; take the key of a Relay Proxy configuration, which begins with rel-".to_owned());
    }
    if !text.is_empty() && text.bytes().all(|it| it.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(
            "holds characters that no key of LaunchDarkly's has; copy it again from LaunchDarkly"
                .to_owned(),
        )
    }
}

/// The check for what signs webhooks: one secret, or two separated by a comma.
pub fn webhook_secret(text: &str) -> Result<(), String> {
    if text.split(',').count() > MAX_WEBHOOK_SECRETS {
        return Err(TOO_MANY_WEBHOOK_SECRETS.to_owned());
    }
    for secret in text.split(',').map(str::trim) {
        if secret.is_empty() {
            return Err(EMPTY_PART.to_owned());
        }
        long_enough(secret)?;
        if secret.chars().any(char::is_control) {
            return Err("holds a line break or another control character; copy it again from the webhook's page at \
                        LaunchDarkly"
                .to_owned());
        }
    }
    Ok(())
}

/// The check for the operators' token: a header has to carry it.
pub fn admin_token(text: &str) -> Result<(), String> {
    long_enough(text)?;
    if text.bytes().all(|it| it.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(
            "holds characters that no header carries; take letters, digits and punctuation"
                .to_owned(),
        )
    }
}

fn long_enough(secret: &str) -> Result<(), String> {
    if secret.chars().count() < SHORTEST {
        return Err(format!(
            "is too short for a secret; take {SHORTEST} characters at least, better 32 random ones"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_of_another_make_may_have_other_keys() {
        assert!(sdk_key("https://stream.launchdarkly.com")("my-project").is_err());
        assert!(sdk_key("http://localhost:8765")("my-project").is_ok());
        let mobile = sdk_key("http://localhost:8765")("mob-1").unwrap_err();
        assert!(mobile.starts_with("is a mobile key"), "{mobile}");
    }

    #[test]
    fn one_or_two_webhook_secrets_hold() {
        for right in ["12345678", "12345678,abcdefgh", "12345678, abcdefgh"] {
            assert_eq!(webhook_secret(right), Ok(()), "{right}");
        }
        for (wrong, why) in [
            ("1234567", "too short"),
            ("12345678,abc", "too short"),
            ("12345678,", "empty part"),
            (",12345678", "empty part"),
            ("12345678,abcdefgh,ABCDEFGH", "more than two"),
            ("1234\n5678", "line break"),
        ] {
            let error = webhook_secret(wrong).unwrap_err();
            assert!(error.contains(why), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_header_carries_the_token() {
        assert_eq!(admin_token("a-token!"), Ok(()));
        for wrong in ["a-token", "a token of mine", "a-tok\u{e9}n-of-mine"] {
            assert!(admin_token(wrong).is_err(), "{wrong}");
        }
    }
}
