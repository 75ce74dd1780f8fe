//! What goes wrong with DynamoDB, in sentences that say what to do.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use super::connection::is_throttling;
use crate::aws::NoAnswer;

/// What goes wrong with a request, and what its reader is to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// DynamoDB refuses more for now.
    #[error("DynamoDB throttled {0}")]
    Throttled(&'static str),
    /// No answer in time: whether it was done is unknown.
    #[error("DynamoDB did not answer {0} in time")]
    Timeout(&'static str),
    /// No connection, or an internal error of DynamoDB's.
    #[error(
        "DynamoDB cannot be reached for {0} ({1}); check the endpoint, the region and the network"
    )]
    Unavailable(&'static str, String),
    /// A permission is missing.
    #[error(
        "not allowed to {operation} on table {table} ({code}): grant dynamodb:{operation} on it to this role, or mend its credentials{}",
        leading_key(.partition.as_deref())
    )]
    AccessDenied {
        /// DynamoDB's name of the operation.
        operation: &'static str,
        /// The table.
        table: String,
        /// DynamoDB's error code.
        code: String,
        /// The partition, where one is to be named: a policy may be limited to some.
        partition: Option<String>,
    },
    /// There is no such table.
    #[error(
        "table {0} does not exist: create it with partition key namespace (S) and sort key key (S), or correct its name, or AWS_REGION where it is in another region"
    )]
    TableMissing(String),
    /// The table has other keys.
    #[error(
        "table {0} has other keys than partition key namespace (S) and sort key key (S): use a table that has them"
    )]
    WrongSchema(String),
    /// The credentials cannot be had.
    #[error(
        "no AWS credentials for {0} ({1}): give the task a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    NoCredentials(&'static str, String),
    /// There is no region.
    #[error("no AWS region for {0}: set AWS_REGION to the region of the table")]
    NoRegion(&'static str),
    /// AWS does not take the credentials, or the signature made with them, or the key that encrypts the table.
    #[error("AWS refuses {operation} ({code}): {fix}")]
    Unsigned {
        /// DynamoDB's name of the operation.
        operation: &'static str,
        /// AWS's error code.
        code: String,
        /// What to do.
        fix: &'static str,
    },
    /// Refused as invalid.
    #[error("DynamoDB refused {0} as invalid")]
    Invalid(&'static str),
    /// Anything else.
    #[error("DynamoDB refused {0} with {1}")]
    Other(&'static str, String),
}

impl Trouble {
    /// Whether only an operator can mend it.
    pub const fn needs_operator(&self) -> bool {
        matches!(
            self,
            Self::AccessDenied { .. }
                | Self::TableMissing(_)
                | Self::WrongSchema(_)
                | Self::NoCredentials(..)
                | Self::NoRegion(_)
                | Self::Unsigned { .. }
        )
    }
}

fn leading_key(partition: Option<&str>) -> String {
    partition.map_or_else(String::new, |partition| {
        format!("; if its policy is limited to leading keys, they must include {partition}")
    })
}

impl Trouble {
    /// The same, in this partition.
    pub(super) fn in_partition(mut self, name: &str) -> Self {
        if let Self::AccessDenied { partition, .. } = &mut self {
            *partition = Some(name.to_owned());
        }
        self
    }

    /// Of an operation on a table.
    pub(super) fn of<E: ProvideErrorMetadata>(
        operation: &'static str,
        table: &str,
        error: &SdkError<E>,
    ) -> Self {
        let service = match NoAnswer::or_refusal(error) {
            Ok(service) => service,
            Err(NoAnswer::Late) => return Trouble::Timeout(operation),
            Err(NoAnswer::NoCredentials(cause)) => {
                return Trouble::NoCredentials(operation, cause);
            }
            Err(NoAnswer::NoRegion) => return Trouble::NoRegion(operation),
            Err(NoAnswer::Unreachable(cause)) => return Trouble::Unavailable(operation, cause),
        };
        let code = service.err().code().unwrap_or_default();
        let table = || table.to_owned();
        match code {
            code if is_throttling(code) => Trouble::Throttled(operation),
            "ResourceNotFoundException" => Trouble::TableMissing(table()),
            "AccessDeniedException" => Trouble::AccessDenied {
                operation,
                table: table(),
                code: code.into(),
                partition: None,
            },
            code if let Some(fix) = mend(code, service.err().message()) => Trouble::Unsigned {
                operation,
                code: code.into(),
                fix,
            },
            "ValidationException" if service.err().message().is_some_and(speaks_of_keys) => {
                Trouble::WrongSchema(table())
            }
            "ValidationException" | "ItemCollectionSizeLimitExceededException" => {
                Trouble::Invalid(operation)
            }
            _ if service.raw().status().as_u16() >= 500 => {
                Trouble::Unavailable(operation, code.into())
            }
            _ => Trouble::Other(
                operation,
                if code.is_empty() {
                    "no error code".into()
                } else {
                    code.into()
                },
            ),
        }
    }
}

/// What to do about credentials that are refused, for the codes that say so.
fn mend(code: &str, message: Option<&str>) -> Option<&'static str> {
    let of_time =
        |message: &str| message.contains("expired") || message.contains("not yet current");
    Some(match code {
        "InvalidSignatureException" if message.is_some_and(of_time) => {
            "this machine's clock is more than 5 minutes off; synchronise it"
        }
        "InvalidSignatureException" => {
            "the secret does not belong to the access key; correct AWS_SECRET_ACCESS_KEY, or take a role"
        }
        "UnrecognizedClientException" => {
            "it does not know the access key; correct AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, or take a role"
        }
        "ExpiredTokenException" => "the credentials have expired; renew them, or take a role",
        "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature" => {
            "the request came without a whole signature; look what changes requests on their way to the endpoint"
        }
        "KMSAccessDeniedException" => {
            "grant kms:Decrypt and kms:GenerateDataKey on the key that encrypts the table to this role"
        }
        _ => return None,
    })
}

/// There is no error code for a table with other keys. The words are AWS's, DynamoDB Local's and the embedded store's.
fn speaks_of_keys(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("key schema")
        || message.contains("key element")
        || message.contains("missing the key")
        || message.contains("missed key")
        || message.contains("query condition missed")
        // An index on `version` of another type refuses every item.
        || message.contains("index key")
}
