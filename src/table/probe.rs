//! What `doctor` asks of a table. Nothing is changed.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ContinuousBackupsStatus, PointInTimeRecoveryStatus, TableDescription,
};

use super::dynamodb::Table;
use super::layout::{KEY, NAMESPACE};
use super::trouble::Trouble;

/// A condition that no row meets, so that a permitted write does nothing.
const NEVER: &str = "attribute_exists(#c) AND attribute_not_exists(#c)";

impl Table {
    /// Whether rows may be written and deleted, in each partition, since a policy may be limited to some: asks for what
    /// cannot happen, of a row that nobody has.
    pub async fn may_write(&self) -> Result<(), Trouble> {
        for partition in self.layout.partitions() {
            self.may_write_in(partition)
                .await
                .map_err(|trouble| trouble.in_partition(partition))?;
        }
        Ok(())
    }

    async fn may_write_in(&self, partition: &str) -> Result<(), Trouble> {
        let nobody = AttributeValue::S(format!("{}:$doctor", self.layout.marker()));
        let partition = AttributeValue::S(partition.to_owned());
        let row = HashMap::from([(NAMESPACE.to_owned(), partition), (KEY.to_owned(), nobody)]);
        let put = self
            .writes()
            .put_item()
            .table_name(&*self.name)
            .set_item(Some(row.clone()));
        let put = put
            .condition_expression(NEVER)
            .expression_attribute_names("#c", KEY)
            .send()
            .await;
        if let Err(error) = put
            && !error
                .as_service_error()
                .is_some_and(PutItemError::is_conditional_check_failed_exception)
        {
            return Err(Trouble::of("PutItem", &self.name, &error));
        }
        let delete = self
            .writes()
            .delete_item()
            .table_name(&*self.name)
            .set_key(Some(row));
        let delete = delete
            .condition_expression(NEVER)
            .expression_attribute_names("#c", KEY)
            .send()
            .await;
        match delete {
            Err(error)
                if !error
                    .as_service_error()
                    .is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Err(Trouble::of("DeleteItem", &self.name, &error))
            }
            _ => Ok(()),
        }
    }

    /// What should be switched on for a table that matters.
    pub async fn advice(&self) -> Result<Vec<&'static str>, Trouble> {
        let described = self
            .reads()
            .describe_table()
            .table_name(&*self.name)
            .send()
            .await;
        let described =
            described.map_err(|error| Trouble::of("DescribeTable", &self.name, &error))?;
        let backups = self
            .reads()
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
