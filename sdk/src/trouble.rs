//! What goes wrong with DynamoDB, in sentences that say what to do.

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use launchdarkly_server_sdk::PersistentStoreError;

/// Why a request was not done.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// DynamoDB takes it later.
    Throttled(String),
    /// Whether it was done is unknown: no connection, no answer in time, an internal error of DynamoDB's.
    NoAnswer(String),
    /// DynamoDB does not take these contents.
    Invalid(String),
    /// It will not be done, however often it is asked for.
    Refused(String),
}

impl Trouble {
    pub(crate) fn of<E>(operation: &str, table: &str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let what = format!("{operation} on the table {table:?}");
        let SdkError::ServiceError(answer) = error else {
            let cause = format!("{what} had no answer: {}", innermost(error));
            return match error {
                SdkError::ConstructionFailure(_) => Self::Refused(cause),
                _ => Self::NoAnswer(cause),
            };
        };
        let (code, message) = (answer.err().code(), answer.err().message());
        let said = format!(
            "{what} was refused: {}: {}",
            code.unwrap_or("no code"),
            message.unwrap_or("no message")
        );
        match code {
            Some(
                "ThrottlingException"
                | "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded"
                | "Throttling",
            ) => Self::Throttled(said),
            Some("ValidationException") => Self::Invalid(said),
            Some("AccessDeniedException") => {
                Self::Refused(format!("{said}; grant dynamodb:{operation} on it"))
            }
            Some("ResourceNotFoundException") => Self::Refused(format!(
                "{said}; create it in this region, with the partition key `namespace` and the sort key `key`, both strings"
            )),
            _ if answer.raw().status().is_server_error() => Self::NoAnswer(said),
            _ => Self::Refused(said),
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Throttled(said)
            | Self::NoAnswer(said)
            | Self::Invalid(said)
            | Self::Refused(said) => out.write_str(said),
        }
    }
}

impl From<Trouble> for PersistentStoreError {
    fn from(trouble: Trouble) -> Self {
        Self::new(trouble.to_string())
    }
}

/// The cause that the others only repeat.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
