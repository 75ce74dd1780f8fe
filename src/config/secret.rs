//! Secrets: where they may be kept, and how they stay out of every text.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::reference::Reference;
use super::secret_check::Check;
use super::sources::Sources;

/// A secret: itself, or where it is kept, or both where it has been read from there.
#[derive(Clone)]
pub struct Secret {
    /// The secret, where it is known.
    pub value: Option<SecretString>,
    /// Where it is kept; nowhere if it was given as it is, and then it never changes.
    pub reference: Option<Reference>,
}

impl Secret {
    /// Itself, if what is known of it passes.
    pub(super) fn checked(self, check: Check) -> Result<Self, String> {
        if let Some(value) = &self.value {
            check(value.expose_secret())?;
        }
        Ok(self)
    }
}

impl From<SecretString> for Secret {
    fn from(value: SecretString) -> Self {
        Self {
            value: Some(value),
            reference: None,
        }
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        SecretString::from(value).into()
    }
}

/// What remains of a secret on a page or a screen: its last four characters, if it is long enough to spare them.
pub fn mask(secret: &SecretString) -> String {
    let text = secret.expose_secret();
    let shown = text.len() >= 16 && text.is_ascii() && !text.contains("://");
    if shown {
        format!("****{}", &text[text.len() - 4..])
    } else {
        "****".to_owned()
    }
}

/// The secret that was given: itself, or as its file has it, or not known yet. An error completes the sentence "the value ...".
pub(super) fn find(value: &str, sources: &Sources<'_>) -> Result<Secret, String> {
    let Some(reference) = Reference::parse(value)? else {
        return Ok(value.into());
    };
    let value = match &reference {
        Reference::File(path) => Some(in_file(path, sources)?.into()),
        Reference::Parameter(_) | Reference::SecretsManager { .. } => None,
    };
    Ok(Secret {
        value,
        reference: Some(reference),
    })
}

/// The same for what is needed before anything is connected, and does not change afterwards.
pub(super) fn find_now(value: &str, sources: &Sources<'_>) -> Result<String, String> {
    let value = find(value, sources)?.value.ok_or(NOT_YET)?;
    Ok(value.expose_secret().to_owned())
}

const NOT_YET: &str = "is kept at AWS, and this setting is read once, before anything is connected; have the platform put it into the \
     variable, or into a file and write `file:PATH`";

fn in_file(path: &Path, sources: &Sources<'_>) -> Result<String, String> {
    let shown = path.display();
    let text = (sources.read)(path)
        .map_err(|error| format!("names the file {shown}, which cannot be read: {error}"))?;
    match text.trim() {
        "" => Err(format!("names the file {shown}, which is empty")),
        secret => Ok(secret.to_owned()),
    }
}

/// The secrets that were given, to be taken out of any text: someone may have put a key where a name belongs.
#[derive(Default)]
pub(super) struct Secrets(Vec<SecretString>);

/// Shorter ones are also ordinary words, and are shown nowhere as values anyway.
const SHORTEST_TO_LOOK_FOR: usize = 8;

impl Secrets {
    pub(super) fn add(&mut self, secret: &str) {
        let known = |it: &SecretString| it.expose_secret() == secret;
        if secret.len() >= SHORTEST_TO_LOOK_FOR && !self.0.iter().any(known) {
            self.0.push(secret.into());
            // The longest first: one may be part of another.
            self.0
                .sort_by_key(|it| std::cmp::Reverse(it.expose_secret().len()));
        }
    }

    /// `text` without them, and without anything else that has the shape of a LaunchDarkly key.
    pub(super) fn scrub(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            if text.contains(secret.expose_secret()) {
                text = text.replace(secret.expose_secret(), "****");
            }
        }
        // A text is one line, also if a value had several.
        scrub_keys(&scrub_users(&text)).replace(char::is_control, " ")
    }
}

/// Takes users and passwords out of URLs, also out of those that are none because of a character in the password.
fn scrub_users(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after
            .find(|it: char| it.is_whitespace() || it == '`')
            .unwrap_or(after.len());
        let user = after[..end].rfind('@');
        clean.push_str(before);
        clean.push_str(if user.is_some() { "://****" } else { "://" });
        rest = &after[user.unwrap_or(0)..];
    }
    clean.push_str(rest);
    clean
}

fn scrub_keys(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = ["sdk-", "mob-", "rel-", "api-"]
        .iter()
        .filter_map(|it| rest.find(it))
        .min()
    {
        let (before, from) = rest.split_at(start);
        let end = from
            .find(|it: char| !it.is_ascii_alphanumeric() && it != '-')
            .unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        let starts_a_word = !before.ends_with(|it: char| it.is_ascii_alphanumeric());
        clean.push_str(before);
        clean.push_str(if starts_a_word && is_key(word) {
            "****"
        } else {
            word
        });
        rest = after;
    }
    clean.push_str(rest);
    clean
}

/// A prefix of four and a UUID: 32 hexadecimal digits in five groups.
fn is_key(word: &str) -> bool {
    let uuid = &word[4..];
    let groups: Vec<usize> = uuid.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && uuid.chars().all(|it| it.is_ascii_hexdigit() || it == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_spares_four_characters_of_a_long_secret() {
        assert_eq!(mask(&"sdk-0123456789abcdef".into()), "****cdef");
        assert_eq!(mask(&"sdk-012345".into()), "****");
        assert_eq!(mask(&"http://user:password@host".into()), "****");
    }

    #[test]
    fn texts_lose_known_secrets_and_anything_shaped_like_a_key() {
        let mut secrets = Secrets::default();
        secrets.add("a secret of mine");
        let key = "sdk-01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(
            secrets.scrub(&format!(
                "it is a secret of mine, `{key}` and rel-2024-notes"
            )),
            "it is ****, `****` and rel-2024-notes"
        );
        assert_eq!(
            secrets.scrub("`http://u:p/w@host:1/x` and https://host/\n"),
            "`http://****@host:1/x` and https://host/ "
        );
    }
}
