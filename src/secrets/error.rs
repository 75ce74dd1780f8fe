//! Why a secret cannot be read or used, in sentences that say what to do.

use std::io;

/// Completes a sentence that begins with where the secret is kept. It repeats nothing of what is kept there.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretError {
    /// A file.
    #[error("cannot be read ({0}): put the file there, or correct the path")]
    File(#[from] io::Error),
    /// More than a secret has.
    #[error("is too large for a secret: at most 64 KiB are read; put the secret alone there")]
    TooLarge,
    /// Bytes that are no UTF-8, or a secret that was stored as bytes.
    #[error("holds bytes that are no text: store the secret as text")]
    NoText,
    /// Nothing but blanks.
    #[error("is empty: put the secret there")]
    Empty,
    /// No such parameter or secret.
    #[error(
        "does not exist in {service} of the region {region}: create it, or correct the name or AWS_REGION"
    )]
    Missing {
        /// Where it was looked for.
        service: &'static str,
        /// And in which region.
        region: String,
    },
    /// A permission is missing.
    #[error(
        "may not be read ({code}): allow {action} on it to this role, and kms:Decrypt on the key that it is encrypted with"
    )]
    Denied {
        /// AWS's error code.
        code: String,
        /// What to allow.
        action: &'static str,
    },
    /// There are no credentials, or AWS does not take them.
    #[error(
        "cannot be read without AWS credentials that are valid ({0}): give the task a role, or mend its credentials"
    )]
    Credentials(String),
    /// AWS is asked by region.
    #[error("cannot be read without a region: set AWS_REGION")]
    NoRegion,
    /// No answer.
    #[error(
        "cannot be read, for {service} did not answer ({cause}): check the region, the endpoint and the network"
    )]
    NoAnswer {
        /// Who was asked.
        service: &'static str,
        /// What became of the request.
        cause: String,
    },
    /// Anything else that AWS says.
    #[error("is refused by {service} with {code}: look there what this means for it")]
    Refused {
        /// Who was asked.
        service: &'static str,
        /// AWS's error code.
        code: String,
    },
    /// A member was asked for.
    #[error(
        "names a member of what is no JSON object: store one there, or remove `#` and what follows it"
    )]
    NoObject,
    /// The object has others.
    #[error(
        "names a member that the JSON object there does not have as a text: add it, or correct what follows `#`"
    )]
    NoMember,
    /// It was read, and is none of its kind.
    #[error("holds a value that {0}")]
    Unfit(String),
}
