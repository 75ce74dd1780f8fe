//! The embedded DynamoDB itself: one operation in, one JSON answer out, without another hop over the network.

use dynoxide::{Database, DynoxideError, actions, types};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What an operation answered and what it cost.
pub(super) struct Reply {
    pub(super) answer: Result<String, DynoxideError>,
    pub(super) units: f64,
}

/// Defines the operations once: how each is called, and whether it tells its cost (`row`, `rows`) or is free.
macro_rules! operations {
    ($($cost:ident $name:ident $method:ident $request:ident,)*) => {
        /// An operation of DynamoDB's API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "they are DynamoDB's names")]
        pub enum Operation { $($name,)* }

        impl Operation {
            /// By DynamoDB's name.
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// DynamoDB's name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }

        fn dispatch(database: &Database, operation: Operation, body: &[u8]) -> Result<(String, f64), DynoxideError> {
            match operation {
                $(Operation::$name => {
                    let request: actions::$method::$request = read(body)?;
                    operations!(@$cost database, $method, request)
                })*
            }
        }
    };
    (@free $database:ident, $method:ident, $request:ident) => {
        Ok((write(&$database.$method($request)?)?, 0.0))
    };
    (@row $database:ident, $method:ident, $request:ident) => {{
        let mut request = $request;
        let hidden = hide(&mut request.return_consumed_capacity);
        let mut answer = $database.$method(request)?;
        let units = answer.consumed_capacity.iter().map(|it| it.capacity_units).sum();
        if hidden {
            answer.consumed_capacity = None;
        }
        Ok((write(&answer)?, units))
    }};
    (@rows $database:ident, $method:ident, $request:ident) => {{
        let mut request = $request;
        let hidden = hide(&mut request.return_consumed_capacity);
        let mut answer = $database.$method(request)?;
        let units = answer.consumed_capacity.iter().flatten().map(|it| it.capacity_units).sum();
        if hidden {
            answer.consumed_capacity = None;
        }
        Ok((write(&answer)?, units))
    }};
}

operations! {
    row PutItem put_item PutItemRequest,
    row DeleteItem delete_item DeleteItemRequest,
    row UpdateItem update_item UpdateItemRequest,
    row GetItem get_item GetItemRequest,
    row Query query QueryRequest,
    row Scan scan ScanRequest,
    rows BatchGetItem batch_get_item BatchGetItemRequest,
    rows BatchWriteItem batch_write_item BatchWriteItemRequest,
    rows TransactGetItems transact_get_items TransactGetItemsRequest,
    rows TransactWriteItems transact_write_items TransactWriteItemsRequest,
    free CreateTable create_table CreateTableRequest,
    free DeleteTable delete_table DeleteTableRequest,
    free DescribeTable describe_table DescribeTableRequest,
    free ListTables list_tables ListTablesRequest,
    free UpdateTable update_table UpdateTableRequest,
    free UpdateTimeToLive update_time_to_live UpdateTimeToLiveRequest,
    free DescribeTimeToLive describe_time_to_live DescribeTimeToLiveRequest,
    free TagResource tag_resource TagResourceRequest,
    free UntagResource untag_resource UntagResourceRequest,
    free ListTagsOfResource list_tags_of_resource ListTagsOfResourceRequest,
}

impl Operation {
    /// Whether it writes rows.
    pub const fn writes(self) -> bool {
        matches!(
            self,
            Self::PutItem
                | Self::DeleteItem
                | Self::UpdateItem
                | Self::BatchWriteItem
                | Self::TransactWriteItems
        )
    }

    /// Whether it reads rows.
    pub const fn reads(self) -> bool {
        matches!(
            self,
            Self::GetItem | Self::Query | Self::Scan | Self::BatchGetItem | Self::TransactGetItems
        )
    }
}

/// Runs one operation. Blocks for as long as the database takes.
pub(super) fn run(database: &Database, operation: Operation, body: &[u8]) -> Reply {
    match dispatch(database, operation, body) {
        Ok((answer, units)) => Reply {
            answer: Ok(answer),
            units,
        },
        Err(error) => Reply {
            units: cost_of_failure(database, operation, body, &error),
            answer: Err(error),
        },
    }
}

/// A condition that fails costs as much as the write, or as the row that it met.
fn cost_of_failure(
    database: &Database,
    operation: Operation,
    body: &[u8],
    error: &DynoxideError,
) -> f64 {
    if !matches!(error, DynoxideError::ConditionalCheckFailedException(..)) {
        return 0.0;
    }
    let written =
        match operation {
            Operation::PutItem => read::<actions::put_item::PutItemRequest>(body)
                .map(|put| (put.table_name, put.item)),
            Operation::DeleteItem => read::<actions::delete_item::DeleteItemRequest>(body)
                .map(|it| (it.table_name, it.key)),
            _ => return 1.0,
        };
    let Ok((table, row)) = written else {
        return 1.0;
    };
    let met = database
        .get_item(actions::get_item::GetItemRequest {
            table_name: table,
            key: row
                .iter()
                .filter(|(name, _)| matches!(name.as_str(), "namespace" | "key"))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            consistent_read: Some(true),
            ..Default::default()
        })
        .ok()
        .and_then(|answer| answer.item);
    let met = met.as_ref().map(types::item_size);
    types::table_write_capacity_units(met, Some(types::item_size(&row)))
}

/// Makes the engine tell the cost; true if the client must not see it.
fn hide(mode: &mut Option<String>) -> bool {
    let hidden = mode.as_deref().is_none_or(|mode| mode == "NONE");
    if hidden {
        *mode = Some("TOTAL".into());
    }
    hidden
}

fn write(answer: &impl Serialize) -> Result<String, DynoxideError> {
    serde_json::to_string(answer)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The engine's requests say in a marker before the message which of DynamoDB's two errors a bad body is.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| {
        let message = error.to_string();
        let (marker, text) = message.split_once(':').unwrap_or(("", &message));
        match marker {
            "VALIDATION" | "VALIDATION_REQUEST" | "VALIDATION_AS_READ" => {
                DynoxideError::ValidationException(text.to_owned())
            }
            "SERIALIZATION" | "SERIALIZATION_AS_READ" => {
                DynoxideError::SerializationException(text.to_owned())
            }
            _ if ["missing field", "unknown variant", "AttributeValue"]
                .iter()
                .any(|it| message.contains(it)) =>
            {
                DynoxideError::ValidationException(message)
            }
            _ => DynoxideError::SerializationException(message),
        }
    })
}
