//! What metrics call DynamoDB's answers.

use super::dynamodb::Outcome;
use super::trouble::Trouble;
use crate::label::labels;

labels! {
    /// How a write ended.
    WriteOutcome = "outcome" {
        /// The table holds it.
        Applied = "applied",
        /// The row was not as we had read it.
        Superseded = "superseded",
        /// Throttled.
        Refused = "refused",
        /// It timed out, and may or may not be stored.
        Unknown = "unknown",
        /// DynamoDB will never take it.
        Invalid = "invalid",
        /// Any other failure.
        Failed = "failed",
    }

    /// What kind of failure DynamoDB answered with.
    ErrorClass = "class" {
        /// More than the table or the partition takes.
        Throttled = "throttled",
        /// No answer in time.
        Timeout = "timeout",
        /// It cannot be reached, or fails itself.
        Unavailable = "unavailable",
        /// A permission is missing, or the credentials are.
        AccessDenied = "access_denied",
        /// There is no such table.
        TableMissing = "table_missing",
        /// The table's keys are other ones.
        WrongSchema = "wrong_schema",
        /// The request is wrong.
        Invalid = "invalid",
        /// None of these.
        Other = "other",
    }

    /// Which of DynamoDB's units.
    Op = "op" {
        /// Read units.
        Read = "read",
        /// Write units.
        Write = "write",
    }
}

impl Outcome {
    /// As a label.
    pub const fn label(&self) -> WriteOutcome {
        match self {
            Self::Applied => WriteOutcome::Applied,
            Self::Superseded(_) => WriteOutcome::Superseded,
            Self::Refused(_) => WriteOutcome::Refused,
            Self::Unknown(_) => WriteOutcome::Unknown,
            Self::Invalid(_) => WriteOutcome::Invalid,
            Self::Failed(_) => WriteOutcome::Failed,
        }
    }
}

impl Trouble {
    /// As a label.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Throttled(_) => ErrorClass::Throttled,
            Self::Timeout(_) => ErrorClass::Timeout,
            Self::Unavailable(..) => ErrorClass::Unavailable,
            Self::AccessDenied { .. }
            | Self::NoCredentials(..)
            | Self::NoRegion(_)
            | Self::Unsigned { .. } => ErrorClass::AccessDenied,
            Self::TableMissing(_) => ErrorClass::TableMissing,
            Self::WrongSchema(_) => ErrorClass::WrongSchema,
            Self::Invalid(_) => ErrorClass::Invalid,
            Self::Other(..) => ErrorClass::Other,
        }
    }
}
