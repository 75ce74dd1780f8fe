//! The requests: one row or one page each.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::layout::{NAMESPACE, Names, Row, VERSION, item_key, item_row, lone_key};
use crate::trouble::Trouble;
use crate::write::{Entry, Kind};

/// Nothing there, something older, or something that has no version to compare.
const OLDER: &str = "attribute_not_exists(#v) OR NOT attribute_type(#v, :number) OR #v < :v";

#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) name: Arc<str>,
    pub(crate) names: Arc<Names>,
    pub(crate) reads: Client,
    pub(crate) writes: Client,
}

/// A page of a partition, and where the next one begins.
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    pub(crate) next: Option<Row>,
}

/// All reads are strongly consistent.
impl Table {
    pub(crate) fn namespace(&self, kind: Kind) -> &str {
        match kind {
            Kind::Flag => &self.names.flags,
            Kind::Segment => &self.names.segments,
        }
    }

    pub(crate) async fn get(&self, namespace: &str, key: &str) -> Result<Option<Row>, Trouble> {
        let get = self.reads.get_item().table_name(&*self.name);
        get.set_key(Some(item_key(namespace, key)))
            .consistent_read(true)
            .send()
            .await
            .map(|got| got.item)
            .map_err(|error| Trouble::of("GetItem", &self.name, &error))
    }

    pub(crate) async fn page(&self, namespace: &str, after: Option<Row>) -> Result<Page, Trouble> {
        let query = self.reads.query().table_name(&*self.name);
        query
            .key_condition_expression("#n = :n")
            .expression_attribute_names("#n", NAMESPACE)
            .expression_attribute_values(":n", AttributeValue::S(namespace.to_owned()))
            .set_exclusive_start_key(after)
            .consistent_read(true)
            .send()
            .await
            .map(|page| Page {
                rows: page.items.unwrap_or_default(),
                next: page.last_evaluated_key,
            })
            .map_err(|error| Trouble::of("Query", &self.name, &error))
    }

    /// Whatever is there.
    pub(crate) async fn put(
        &self,
        namespace: &str,
        key: &str,
        entry: &Entry,
    ) -> Result<(), Trouble> {
        let put = self.writes.put_item().table_name(&*self.name);
        put.set_item(Some(item_row(namespace, key, entry.version, &entry.text)))
            .send()
            .await
            .map(drop)
            .map_err(|error| Trouble::of("PutItem", &self.name, &error))
    }

    /// Unless what is there is as new; says whether it was written.
    pub(crate) async fn put_newer(
        &self,
        namespace: &str,
        key: &str,
        entry: &Entry,
    ) -> Result<bool, Trouble> {
        let put = self.writes.put_item().table_name(&*self.name);
        let put = put
            .set_item(Some(item_row(namespace, key, entry.version, &entry.text)))
            .condition_expression(OLDER)
            .expression_attribute_names("#v", VERSION)
            .expression_attribute_values(":number", AttributeValue::S("N".into()))
            .expression_attribute_values(":v", AttributeValue::N(entry.version.to_string()));
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(Trouble::of("PutItem", &self.name, &error)),
        }
    }

    pub(crate) async fn delete(&self, namespace: &str, key: &str) -> Result<(), Trouble> {
        let delete = self.writes.delete_item().table_name(&*self.name);
        delete
            .set_key(Some(item_key(namespace, key)))
            .send()
            .await
            .map(drop)
            .map_err(|error| Trouble::of("DeleteItem", &self.name, &error))
    }

    pub(crate) async fn put_marker(&self) -> Result<(), Trouble> {
        let put = self.writes.put_item().table_name(&*self.name);
        put.set_item(Some(lone_key(&self.names.marker)))
            .send()
            .await
            .map(drop)
            .map_err(|error| Trouble::of("PutItem", &self.name, &error))
    }
}
