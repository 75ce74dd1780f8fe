//! Rows of the Relay Proxy's cache of auto-configuration: a namespace of their own, whose contents are sealed.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use launchdarkly_server_sdk_dynamodb::layout::ITEM;

use super::connection::Connection;
use super::layout::{KEY, NAMESPACE};
use super::trouble::Trouble;

/// More rows than this are not read: there are no rosters of that size.
const MAX_ROWS: usize = 100_000;

/// The cache's rows. Cheap to clone.
#[derive(Clone)]
pub struct CacheTable {
    connection: Connection,
    table: String,
    namespace: String,
}

impl CacheTable {
    /// In this table, under this namespace.
    pub fn new(connection: Connection, table: &str, namespace: &str) -> Self {
        Self {
            connection,
            table: table.to_owned(),
            namespace: namespace.to_owned(),
        }
    }

    /// Every row: its sort key and its contents, which are empty where there are none. Read with strong consistency.
    pub async fn rows(&self) -> Result<Vec<(String, Vec<u8>)>, Trouble> {
        let (mut rows, mut after) = (Vec::new(), None);
        while rows.len() < MAX_ROWS {
            let query = self.connection.patient.query();
            let page = query
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("#n = :n")
                .expression_attribute_names("#n", NAMESPACE)
                .expression_attribute_values(":n", AttributeValue::S(self.namespace.clone()))
                .set_exclusive_start_key(after)
                .send()
                .await
                .map_err(|error| {
                    Trouble::of("Query", &self.table, &error).in_partition(&self.namespace)
                })?;
            rows.extend(page.items().iter().filter_map(row));
            after = page.last_evaluated_key;
            if after.is_none() {
                break;
            }
        }
        Ok(rows)
    }

    /// Stores the contents of one row, whatever it holds: every instance stores the same there.
    pub async fn put(&self, sort_key: &str, contents: Vec<u8>) -> Result<(), Trouble> {
        let mut row = self.key(sort_key);
        row.insert(ITEM.to_owned(), AttributeValue::B(Blob::new(contents)));
        let put = self.connection.patient.put_item();
        let put = put.table_name(&self.table).set_item(Some(row)).send();
        put.await.map(drop).map_err(|error| {
            Trouble::of("PutItem", &self.table, &error).in_partition(&self.namespace)
        })
    }

    /// Removes one row, if it is there.
    pub async fn delete(&self, sort_key: &str) -> Result<(), Trouble> {
        let delete = self.connection.patient.delete_item();
        let delete = delete
            .table_name(&self.table)
            .set_key(Some(self.key(sort_key)))
            .send();
        delete.await.map(drop).map_err(|error| {
            Trouble::of("DeleteItem", &self.table, &error).in_partition(&self.namespace)
        })
    }

    fn key(&self, sort_key: &str) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (
                NAMESPACE.to_owned(),
                AttributeValue::S(self.namespace.clone()),
            ),
            (KEY.to_owned(), AttributeValue::S(sort_key.to_owned())),
        ])
    }
}

fn row(row: &HashMap<String, AttributeValue>) -> Option<(String, Vec<u8>)> {
    let key = row.get(KEY)?.as_s().ok()?;
    let contents = row.get(ITEM).and_then(|it| it.as_b().ok());
    let contents = contents.map_or_else(Vec::new, |it| it.clone().into_inner());
    Some((key.clone(), contents))
}
