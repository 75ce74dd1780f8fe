//! The clients that all environments share.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_dynamodb::config::{Credentials, Region};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::QueryError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;

use crate::aws;

/// Clients for DynamoDB, shared by all environments.
#[derive(Clone)]
pub struct Connection {
    /// Asks again when it is throttled: for what has no pace.
    pub(super) patient: Client,
    /// Does not: the pace answers it.
    pub(super) paced: Client,
    /// Where it leads, for people.
    pub endpoint: Option<String>,
}

impl Connection {
    /// For what is no row: making a table.
    pub fn client(&self) -> Client {
        self.patient.clone()
    }
}

/// What a test or `demo` gives instead of the AWS chain.
pub struct Fixed;

/// Region and credentials come from the AWS chain, or are made up where `fixed` says that the endpoint does not care.
pub async fn connect(endpoint: Option<&str>, fixed: Option<Fixed>) -> Connection {
    let mut loader = aws::settings();
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if fixed.is_some() {
        loader = loader
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "demo"));
    }
    let config = loader.load().await;
    let mut shared = aws_sdk_dynamodb::config::Builder::from(&config);
    if config.region().is_none() && endpoint.is_some() {
        // An endpoint of one's own needs no region, but the signature does.
        shared = shared.region(Region::new("us-east-1"));
    }
    let patient = Client::from_conf(shared.clone().build());
    let paced = Client::from_conf(shared.retry_classifier(LeaveThrottling).build());
    Connection {
        patient,
        paced,
        endpoint: endpoint.map(Into::into),
    }
}

/// Forbids the client to retry what DynamoDB throttled.
#[derive(Debug)]
struct LeaveThrottling;

impl ClassifyRetry for LeaveThrottling {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let code = context
            .output_or_error()
            .and_then(Result::err)
            .and_then(|error| error.as_operation_error());
        let code = code.and_then(|error| {
            code_of::<PutItemError>(error)
                .or_else(|| code_of::<DeleteItemError>(error))
                .or_else(|| code_of::<QueryError>(error))
                .or_else(|| code_of::<GetItemError>(error))
        });
        if code.is_some_and(is_throttling) {
            RetryAction::RetryForbidden
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "leave throttling to the pace"
    }
}

fn code_of<E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static>(
    error: &aws_smithy_runtime_api::client::interceptors::context::Error,
) -> Option<&str> {
    error
        .downcast_ref::<E>()
        .and_then(ProvideErrorMetadata::code)
}

pub(super) fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "ThrottlingException"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "Throttling"
    )
}
