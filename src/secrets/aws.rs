//! Secrets in AWS: Systems Manager's Parameter Store, and Secrets Manager.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use serde_json::Value;
use tokio::sync::{OnceCell, Semaphore};

use super::error::SecretError;
use crate::aws::{self, NoAnswer};

/// Asked at the same time at most.
const AT_ONCE: usize = 4;

const PARAMETER_STORE: Service = Service {
    name: "Parameter Store",
    action: "ssm:GetParameter",
};
const SECRETS_MANAGER: Service = Service {
    name: "Secrets Manager",
    action: "secretsmanager:GetSecretValue",
};

/// Where secrets are kept, in the words of people and of policies.
struct Service {
    name: &'static str,
    action: &'static str,
}

/// Asks AWS. The clients are made when something is asked first.
pub(super) struct Aws {
    settings: Option<SdkConfig>,
    clients: OnceCell<Clients>,
    permits: Semaphore,
}

struct Clients {
    parameters: aws_sdk_ssm::Client,
    secrets: aws_sdk_secretsmanager::Client,
    region: String,
}

impl Aws {
    /// With these settings instead of those of the AWS chain.
    pub(super) fn new(settings: Option<SdkConfig>) -> Self {
        Self {
            settings,
            clients: OnceCell::new(),
            permits: Semaphore::new(AT_ONCE),
        }
    }

    async fn clients(&self) -> Result<&Clients, SecretError> {
        let connect = async || {
            let settings = match &self.settings {
                Some(settings) => settings.clone(),
                None => aws::settings().load().await,
            };
            let region = settings.region().ok_or(SecretError::NoRegion)?;
            Ok(Clients {
                parameters: aws_sdk_ssm::Client::new(&settings),
                secrets: aws_sdk_secretsmanager::Client::new(&settings),
                region: region.to_string(),
            })
        };
        // Where there is no region it may come yet: it is looked for again.
        self.clients.get_or_try_init(connect).await
    }

    /// A parameter's value, decrypted.
    pub(super) async fn parameter(&self, name: &str) -> Result<String, SecretError> {
        let _permit = self.permits.acquire().await;
        let clients = self.clients().await?;
        let request = clients.parameters.get_parameter().name(name);
        let answer = request.with_decryption(true).send().await;
        let answer = answer.map_err(|error| clients.trouble(&PARAMETER_STORE, &error))?;
        answer
            .parameter
            .and_then(|it| it.value)
            .ok_or(SecretError::Empty)
    }

    /// A secret's text, or that of one member of the JSON object that it is.
    pub(super) async fn secret(
        &self,
        id: &str,
        member: Option<&str>,
    ) -> Result<String, SecretError> {
        let _permit = self.permits.acquire().await;
        let clients = self.clients().await?;
        let answer = clients.secrets.get_secret_value().secret_id(id).send();
        let answer = answer
            .await
            .map_err(|error| clients.trouble(&SECRETS_MANAGER, &error))?;
        let text = answer.secret_string.ok_or(SecretError::NoText)?;
        match member {
            Some(member) => member_of(&text, member),
            None => Ok(text),
        }
    }
}

impl Clients {
    fn trouble<E: ProvideErrorMetadata>(
        &self,
        service: &Service,
        error: &SdkError<E>,
    ) -> SecretError {
        let no_answer = |cause: &str| SecretError::NoAnswer {
            service: service.name,
            cause: cause.to_owned(),
        };
        let refusal = match NoAnswer::or_refusal(error) {
            Ok(refusal) => refusal.err(),
            Err(NoAnswer::Late) => return no_answer("not in time"),
            Err(NoAnswer::Unreachable(cause)) => return no_answer(&cause),
            Err(NoAnswer::NoRegion) => return SecretError::NoRegion,
            Err(NoAnswer::NoCredentials(cause)) => return SecretError::Credentials(cause),
        };
        let code = refusal.code().unwrap_or("no error code");
        match code {
            "ParameterNotFound" | "ParameterVersionNotFound" | "ResourceNotFoundException" => {
                SecretError::Missing {
                    service: service.name,
                    region: self.region.clone(),
                }
            }
            "AccessDeniedException" | "AccessDenied" => SecretError::Denied {
                code: code.to_owned(),
                action: service.action,
            },
            "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "InvalidClientTokenId"
            | "ExpiredTokenException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "IncompleteSignature" => SecretError::Credentials(code.to_owned()),
            _ => SecretError::Refused {
                service: service.name,
                code: code.to_owned(),
            },
        }
    }
}

/// The parser's own words may quote the secret, so they are not repeated.
fn member_of(text: &str, member: &str) -> Result<String, SecretError> {
    let Ok(Value::Object(mut members)) = serde_json::from_str(text) else {
        return Err(SecretError::NoObject);
    };
    match members.remove(member) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(SecretError::NoMember),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_a_text_of_an_object() {
        let text = r#"{"production": "sdk-1", "count": 2, "a#b": "sdk-2"}"#;
        assert_eq!(member_of(text, "production").unwrap(), "sdk-1");
        assert_eq!(member_of(text, "a#b").unwrap(), "sdk-2");
        for (text, member) in [
            (text, "count"),
            (text, "staging"),
            ("[\"production\"]", "production"),
            ("sdk-1", "production"),
            ("", "production"),
        ] {
            let error = member_of(text, member).unwrap_err().to_string();
            assert!(error.starts_with("names a member"), "{text}: {error}");
            assert!(!error.contains("sdk"), "{error}");
        }
    }
}
