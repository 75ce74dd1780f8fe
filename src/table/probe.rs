//! What `doctor` asks of a table. Nothing is changed.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ContinuousBackupsStatus, PointInTimeRecoveryStatus, TableDescription,
};

use super::dynamodb::Table;
use super::layout::{KEY, NAMESPACE};
use super::trouble::Trouble;
use crate::model::Kind;

/// A condition that no row meets, so that a permitted write does nothing.
const NEVER: &str = "attribute_exists(#c) AND attribute_not_exists(#c)";

/// A permission that the daemon uses.
type Allowed<'a> = (&'static str, &'a str);

impl Table {
    /// The permissions that are missing: for each operation one trouble, which names the partitions where only some are
    /// closed, since a policy may be limited to leading keys. Asks for what cannot happen, of a row that nobody has.
    pub async fn missing_permissions(&self) -> Result<Vec<Trouble>, Trouble> {
        let everywhere = self.layout.partitions();
        let items = Kind::ALL.map(|kind| self.layout.namespace(kind));
        let mut missing = Vec::new();
        for (operation, partitions) in [
            ("Query", &items[..]),
            ("GetItem", &everywhere),
            ("PutItem", &everywhere),
            ("DeleteItem", &items),
        ] {
            let mut refused: Vec<(&str, Trouble)> = Vec::new();
            for partition in partitions {
                match self.may((operation, partition)).await {
                    Ok(()) => {}
                    Err(trouble @ Trouble::AccessDenied { .. }) => {
                        refused.push((partition, trouble));
                    }
                    Err(trouble) => return Err(trouble),
                }
            }
            let names: Vec<_> = refused.iter().map(|(name, _)| *name).collect();
            let names = names.join(", ");
            let is_limited = refused.len() < partitions.len();
            missing.extend(refused.pop().map(|(_, trouble)| {
                if is_limited {
                    trouble.in_partition(&names)
                } else {
                    trouble
                }
            }));
        }
        Ok(missing)
    }

    async fn may(&self, (operation, partition): Allowed<'_>) -> Result<(), Trouble> {
        let (client, name) = (self.client(), &*self.name);
        let nobody = AttributeValue::S(format!("{}:$doctor", self.layout.marker()));
        let place = AttributeValue::S(partition.to_owned());
        let row = HashMap::from([
            (NAMESPACE.to_owned(), place.clone()),
            (KEY.to_owned(), nobody),
        ]);
        match operation {
            "Query" => {
                let query = client.query().table_name(name).limit(1);
                let query = query
                    .key_condition_expression("#n = :n")
                    .expression_attribute_names("#n", NAMESPACE)
                    .expression_attribute_values(":n", place);
                told(operation, name, query.send().await, |_| false)
            }
            "GetItem" => {
                let get = client.get_item().table_name(name).set_key(Some(row));
                told(operation, name, get.send().await, |_| false)
            }
            "PutItem" => {
                let put = client.put_item().table_name(name).set_item(Some(row));
                let put = put
                    .condition_expression(NEVER)
                    .expression_attribute_names("#c", KEY);
                told(
                    operation,
                    name,
                    put.send().await,
                    PutItemError::is_conditional_check_failed_exception,
                )
            }
            _ => {
                let delete = client.delete_item().table_name(name).set_key(Some(row));
                let delete = delete
                    .condition_expression(NEVER)
                    .expression_attribute_names("#c", KEY);
                told(
                    operation,
                    name,
                    delete.send().await,
                    DeleteItemError::is_conditional_check_failed_exception,
                )
            }
        }
    }

    /// What should be switched on for a table that matters.
    pub async fn advice(&self) -> Result<Vec<&'static str>, Trouble> {
        let described = self
            .patient()
            .describe_table()
            .table_name(&*self.name)
            .send()
            .await;
        let described =
            described.map_err(|error| Trouble::of("DescribeTable", &self.name, &error))?;
        let backups = self
            .patient()
            .describe_continuous_backups()
            .table_name(&*self.name)
            .send()
            .await;
        let backups = backups
            .map_err(|error| Trouble::of("DescribeContinuousBackups", &self.name, &error))?;
        let mut advice = Vec::new();
        if !described
            .table()
            .and_then(TableDescription::deletion_protection_enabled)
            .unwrap_or_default()
        {
            advice.push("switch deletion protection on");
        }
        let recovers = backups.continuous_backups_description().is_some_and(|it| {
            let point = it
                .point_in_time_recovery_description()
                .and_then(|it| it.point_in_time_recovery_status());
            it.continuous_backups_status() == &ContinuousBackupsStatus::Enabled
                && point == Some(&PointInTimeRecoveryStatus::Enabled)
        });
        if !recovers {
            advice.push("switch point-in-time recovery on");
        }
        Ok(advice)
    }
}

/// Whether it was allowed: done, or not done only because its condition does not hold.
fn told<T, E: ProvideErrorMetadata>(
    operation: &'static str,
    table: &str,
    answer: Result<T, SdkError<E>>,
    is_unmet: impl Fn(&E) -> bool,
) -> Result<(), Trouble> {
    match answer {
        Err(error) if !error.as_service_error().is_some_and(is_unmet) => {
            Err(Trouble::of(operation, table, &error))
        }
        _ => Ok(()),
    }
}
