//! What the clients of all AWS services share: how long a request may take, and why one had no answer.

use std::error::Error;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::error::{ConnectorError, SdkError};
use aws_smithy_runtime_api::client::result::ServiceError;

/// How long one attempt of a request may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a request may take with its retries. Below the time that a stop may take.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Region and credentials of the AWS chain, with our time-outs and the standard retry.
pub fn settings() -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard())
}

/// Why a request had no answer. The causes are for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// None came in time.
    Late,
    /// There are no credentials to ask with.
    NoCredentials(String),
    /// There is no region to ask in.
    NoRegion,
    /// There is no connection, or the answer could not be read.
    Unreachable(String),
}

impl NoAnswer {
    /// The service's own error, if it answered.
    pub fn or_refusal<E, R>(error: &SdkError<E, R>) -> Result<&ServiceError<E, R>, Self> {
        match error {
            SdkError::ServiceError(service) => Ok(service),
            SdkError::TimeoutError(_) => Err(Self::Late),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Err(Self::Late),
            SdkError::DispatchFailure(failure) => {
                let connector = failure.as_connector_error();
                let cause = innermost(connector.map(|error| error as &dyn Error));
                Err(if connector.is_some_and(lacks_credentials) {
                    Self::NoCredentials(first_line(&cause))
                } else if cause.ends_with("Missing Region") {
                    Self::NoRegion
                } else {
                    Self::Unreachable(cause)
                })
            }
            _ => Err(Self::Unreachable("the answer could not be read".into())),
        }
    }
}

/// Credentials are fetched before anything is sent.
fn lacks_credentials(error: &ConnectorError) -> bool {
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        if error.is::<CredentialsError>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// The chain of providers tells of each on a line of its own, under a headline that ends with what follows.
fn first_line(cause: &str) -> String {
    let line = cause.lines().next().unwrap_or_default();
    line.trim_end_matches(". Attempted:").to_owned()
}

fn innermost(error: Option<&dyn Error>) -> String {
    let Some(mut error) = error else {
        return "no connection".into();
    };
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
