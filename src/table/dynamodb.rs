//! One environment's rows, over DynamoDB's API.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConsumedCapacity, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
};

use super::connection::Connection;
use super::layout::{KEY, Layout, NAMESPACE, VERSION, stamp};
use super::reading::{PageCursor, PageRows, Read, Vouchers};
use super::trouble::Trouble;
use crate::model::{Item, ItemKey, Stamp, StoredVersion};

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored.
    Applied,
    /// Somebody else wrote, or we did and lost the answer. What the row holds now, where DynamoDB said so.
    Superseded(Option<Stamp>),
    /// Throttled: nothing was done.
    Refused(Trouble),
    /// Whether it was done is unknown: read before anything else.
    Unknown(Trouble),
    /// Refused as invalid: this item cannot be stored.
    Invalid(Trouble),
    /// Nothing was done.
    Failed(Trouble),
}

/// One environment's rows in a table.
#[derive(Clone)]
pub struct Table {
    connection: Connection,
    /// Its name.
    pub name: String,
    /// The names of its partitions.
    pub layout: Layout,
}

impl Table {
    /// The rows under `prefix` in the table `name`.
    pub fn new(connection: Connection, name: impl Into<String>, prefix: &str) -> Self {
        Self {
            connection,
            name: name.into(),
            layout: Layout::new(prefix),
        }
    }

    /// The client that leaves throttling to the caller.
    pub(super) const fn client(&self) -> &Client {
        &self.connection.paced
    }

    /// The client that asks again when it is throttled.
    pub(super) const fn patient(&self) -> &Client {
        &self.connection.patient
    }

    /// One page of a partition, read with strong consistency.
    pub async fn page(&self, cursor: &PageCursor) -> Result<Read<PageRows>, Trouble> {
        let after = cursor.after.as_ref().map(|key| {
            self.layout.key(&ItemKey {
                kind: cursor.kind,
                key: Arc::clone(key),
            })
        });
        let namespace = self.layout.namespace(cursor.kind);
        let limit = cursor.rows.and_then(|rows| i32::try_from(rows).ok());
        let page = self
            .client()
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("#n = :n")
            .expression_attribute_names("#n", NAMESPACE)
            .expression_attribute_values(":n", AttributeValue::S(namespace.into()))
            .set_exclusive_start_key(after)
            .set_limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| Trouble::of("Query", &self.name, &error).in_partition(namespace))?;
        let text = |row: &HashMap<String, AttributeValue>| {
            let key = row.get(KEY)?.as_s().ok()?;
            Some(Arc::from(key.as_str()))
        };
        let rows = page.items().iter();
        let rows = rows.filter_map(|row| Some((text(row)?, stamp(row))));
        Ok(Read {
            units: units(page.consumed_capacity()),
            value: PageRows {
                rows: rows.collect(),
                last: page.last_evaluated_key.as_ref().and_then(text),
            },
        })
    }

    /// The marker and, if wanted, whose data this is; read with strong consistency.
    pub async fn vouchers(&self, identity: bool) -> Result<Vouchers, Trouble> {
        let whose = async {
            if identity {
                return self.identity().await;
            }
            Ok(Read {
                value: None,
                units: 0.0,
            })
        };
        let (marker, identity) = tokio::try_join!(self.marker(), whose)?;
        Ok(Vouchers {
            initialized: marker.value,
            environment_id: identity.value,
            marker_units: marker.units,
            identity_units: identity.units,
        })
    }

    /// What one row holds, read with strong consistency.
    pub async fn read(&self, key: &ItemKey) -> Result<Read<Option<Stamp>>, Trouble> {
        self.get(self.layout.key(key)).await.map(|read| Read {
            value: read.value.as_ref().map(stamp),
            units: read.units,
        })
    }

    /// Whether the marker is there, read with strong consistency.
    pub async fn marker(&self) -> Result<Read<bool>, Trouble> {
        self.get(self.layout.marker_row()).await.map(|read| Read {
            value: read.value.is_some(),
            units: read.units,
        })
    }

    pub(super) async fn get(
        &self,
        key: HashMap<String, AttributeValue>,
    ) -> Result<Read<Option<HashMap<String, AttributeValue>>>, Trouble> {
        let partition = key.get(NAMESPACE).cloned();
        let got = self
            .client()
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| {
                let trouble = Trouble::of("GetItem", &self.name, &error);
                match partition {
                    Some(AttributeValue::S(partition)) => trouble.in_partition(&partition),
                    _ => trouble,
                }
            })?;
        Ok(Read {
            units: units(got.consumed_capacity()),
            value: got.item,
        })
    }

    /// Stores an item where the row is as it was seen, or where there is none. Also says the units that it took.
    pub async fn put(&self, key: &ItemKey, item: &Item, seen: Option<&Stamp>) -> (Outcome, f64) {
        let condition = Condition::of(seen);
        let put = self
            .client()
            .put_item()
            .table_name(&self.name)
            .set_item(Some(self.layout.row(key, item)))
            .condition_expression(condition.expression)
            .expression_attribute_names("#c", condition.attribute)
            .set_expression_attribute_values(condition.values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match put {
            Ok(done) => (Outcome::Applied, units(done.consumed_capacity())),
            Err(SdkError::ServiceError(error))
                if error.err().is_conditional_check_failed_exception() =>
            {
                let row = match error.err() {
                    PutItemError::ConditionalCheckFailedException(failed) => failed.item(),
                    _ => None,
                };
                let bytes = item.row_bytes(key, self.layout.namespace_bytes());
                (Outcome::Superseded(row.map(stamp)), billed(bytes, row))
            }
            Err(error) => (self.failed("PutItem", &error), 0.0),
        }
    }

    /// Deletes a row if it is as it was seen.
    pub async fn remove(&self, key: &ItemKey, seen: &Stamp) -> (Outcome, f64) {
        let condition = Condition::of(Some(seen));
        let delete = self
            .client()
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(self.layout.key(key)))
            .condition_expression(condition.expression)
            .expression_attribute_names("#c", condition.attribute)
            .set_expression_attribute_values(condition.values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match delete {
            Ok(done) => (Outcome::Applied, units(done.consumed_capacity())),
            Err(SdkError::ServiceError(error))
                if error.err().is_conditional_check_failed_exception() =>
            {
                let row = match error.err() {
                    DeleteItemError::ConditionalCheckFailedException(failed) => failed.item(),
                    _ => None,
                };
                (Outcome::Superseded(row.map(stamp)), billed(1, row))
            }
            Err(error) => (self.failed("DeleteItem", &error), 0.0),
        }
    }

    /// Writes the marker. It has no contents, so somebody else's is as good.
    pub async fn mark_initialized(&self) -> (Outcome, f64) {
        let put = self
            .client()
            .put_item()
            .table_name(&self.name)
            .set_item(Some(self.layout.marker_row()))
            .condition_expression("attribute_not_exists(#c)")
            .expression_attribute_names("#c", KEY)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match put {
            Ok(done) => (Outcome::Applied, units(done.consumed_capacity())),
            Err(SdkError::ServiceError(error))
                if error.err().is_conditional_check_failed_exception() =>
            {
                (Outcome::Applied, billed(1, None))
            }
            Err(error) => (self.failed("PutItem", &error), 0.0),
        }
    }

    pub(super) fn failed<E: ProvideErrorMetadata>(
        &self,
        operation: &'static str,
        error: &SdkError<E>,
    ) -> Outcome {
        match Trouble::of(operation, &self.name, error) {
            trouble @ Trouble::Throttled(_) => Outcome::Refused(trouble),
            trouble @ Trouble::Invalid(_) => Outcome::Invalid(trouble),
            trouble @ (Trouble::Timeout(_) | Trouble::Unavailable(..)) => Outcome::Unknown(trouble),
            trouble => Outcome::Failed(trouble),
        }
    }
}

/// Write units of a write whose condition failed. DynamoDB does not say them, and bills them all the same: by the larger of
/// the row that stands there and the one that was to be written.
pub(super) fn billed(bytes: usize, row: Option<&HashMap<String, AttributeValue>>) -> f64 {
    let size = |value: &AttributeValue| match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        _ => 1,
    };
    let stands = row.into_iter().flatten();
    let stands = stands.map(|(name, value)| name.len() + size(value)).sum();
    let kilobytes = bytes.max(stands).div_ceil(1_024).max(1);
    f64::from(u32::try_from(kilobytes).unwrap_or(u32::MAX))
}

pub(super) fn units(capacity: Option<&ConsumedCapacity>) -> f64 {
    capacity
        .and_then(ConsumedCapacity::capacity_units)
        .unwrap_or_default()
}

/// What a write is conditional on: the version attribute as it was seen, or its absence, or the row's.
struct Condition {
    expression: &'static str,
    attribute: &'static str,
    values: Option<HashMap<String, AttributeValue>>,
}

impl Condition {
    fn of(seen: Option<&Stamp>) -> Self {
        let equals = |value| Self {
            expression: "#c = :v",
            attribute: VERSION,
            values: Some(HashMap::from([(":v".to_owned(), value)])),
        };
        match seen.map(|stamp| &stamp.version) {
            None => Self {
                expression: "attribute_not_exists(#c)",
                attribute: KEY,
                values: None,
            },
            Some(StoredVersion::Number(number)) => equals(AttributeValue::N(number.to_string())),
            Some(StoredVersion::OddNumber(text)) => equals(AttributeValue::N(text.to_string())),
            Some(StoredVersion::Text(text)) => equals(AttributeValue::S(text.to_string())),
            Some(StoredVersion::Missing) => Self {
                expression: "attribute_not_exists(#c)",
                attribute: VERSION,
                values: None,
            },
            Some(StoredVersion::Other(name)) => Self {
                expression: "attribute_type(#c, :v)",
                ..equals(AttributeValue::S((*name).into()))
            },
        }
    }
}
