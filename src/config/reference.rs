//! Where a secret may be kept instead of in a setting.

use std::fmt;
use std::path::PathBuf;

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// In a file.
    File(PathBuf),
    /// In AWS Systems Manager's Parameter Store, under this name.
    Parameter(String),
    /// In AWS Secrets Manager: a name or an ARN, and the member of a JSON object if it is one.
    SecretsManager {
        /// The name or ARN.
        id: String,
        /// The member that holds the secret.
        member: Option<String>,
    },
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(out, "{FILE}{}", path.display()),
            Self::Parameter(name) => write!(out, "{PARAMETER}{name}"),
            Self::SecretsManager { id, member: None } => write!(out, "{SECRETS_MANAGER}{id}"),
            Self::SecretsManager {
                id,
                member: Some(member),
            } => write!(out, "{SECRETS_MANAGER}{id}#{member}"),
        }
    }
}

const FILE: &str = "file:";
const PARAMETER: &str = "ssm:";
const SECRETS_MANAGER: &str = "secretsmanager:";

/// Whether the value says where the secret is kept, and so is none itself.
pub(super) fn is_reference(value: &str) -> bool {
    [FILE, PARAMETER, SECRETS_MANAGER]
        .iter()
        .any(|it| value.starts_with(it))
}

impl Reference {
    /// What the value refers to; nothing if it is a secret itself. An error completes the sentence "the value ...".
    pub(super) fn parse(value: &str) -> Result<Option<Self>, String> {
        let named = |name: &str, form: &str| match name.trim() {
            "" => Err(format!("names nothing; write `{form}`")),
            name => Ok(name.to_owned()),
        };
        Ok(Some(if let Some(path) = value.strip_prefix(FILE) {
            Self::File(named(path, "file:PATH")?.into())
        } else if let Some(name) = value.strip_prefix(PARAMETER) {
            Self::Parameter(named(name, "ssm:NAME")?)
        } else if let Some(name) = value.strip_prefix(SECRETS_MANAGER) {
            const FORM: &str = "secretsmanager:NAME` or `secretsmanager:NAME#MEMBER";
            let (id, member) = match name.split_once('#') {
                Some((id, member)) => (id, Some(named(member, FORM)?)),
                None => (name, None),
            };
            let id = named(id, FORM)?;
            Self::SecretsManager { id, member }
        } else {
            return Ok(None);
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_shown_as_it_is_written() {
        for text in [
            "file:/run/secrets/key",
            "ssm:/launchdarkly/production/sdkkey",
            "secretsmanager:launchdarkly",
            "secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:ld-AbCdEf#sdk#key",
        ] {
            assert!(is_reference(text), "{text}");
            let parsed = Reference::parse(text).unwrap().unwrap();
            assert_eq!(parsed.to_string(), text);
        }
        assert!(!is_reference("sdk-1"));
        assert_eq!(Reference::parse("sdk-1"), Ok(None));
    }

    #[test]
    fn a_reference_names_something() {
        for text in [
            "file:",
            "ssm:",
            "ssm: ",
            "secretsmanager:",
            "secretsmanager:name#",
            "secretsmanager:#member",
        ] {
            let error = Reference::parse(text).unwrap_err();
            assert!(error.starts_with("names nothing; write `"), "{error}");
        }
    }
}
