//! What a request to the store is about, read from its body without reading the item.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::engine::Operation;

/// The rows that share DynamoDB's limit: those of one table with one partition value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    /// The table.
    pub table: String,
    /// The partition value.
    pub namespace: String,
}

/// A request, for faults to look at.
#[derive(Clone, Debug)]
pub struct Request {
    /// What it asks for.
    pub operation: Operation,
    /// The table; empty where there is none.
    pub table: String,
    /// The partition value; of a batch the first one.
    pub namespace: Option<String>,
    /// The sort key; of a batch the first one.
    pub key: Option<String>,
    /// Whether it carries a condition.
    pub conditional: bool,
}

impl Request {
    pub(super) fn read(operation: Operation, body: &[u8]) -> Self {
        // A body that cannot be read is the engine's to refuse.
        let sketch: Sketch = serde_json::from_slice(body).unwrap_or_default();
        let conditional = sketch.condition.is_some() || sketch.expected.is_some();
        let (table, row) = sketch.first_row();
        Self {
            operation,
            table,
            namespace: row.namespace.and_then(|it| it.text),
            key: row.key.and_then(|it| it.text),
            conditional,
        }
    }

    pub(super) fn partition(&self) -> Option<Partition> {
        self.namespace.clone().map(|namespace| Partition {
            table: self.table.clone(),
            namespace,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sketch {
    #[serde(rename = "TableName")]
    table: Option<String>,
    #[serde(rename = "Key")]
    key: Option<Keys>,
    #[serde(rename = "Item")]
    item: Option<Keys>,
    #[serde(rename = "ConditionExpression")]
    condition: Option<IgnoredAny>,
    #[serde(rename = "Expected")]
    expected: Option<IgnoredAny>,
    #[serde(rename = "KeyConditionExpression")]
    key_condition: Option<String>,
    #[serde(rename = "KeyConditions")]
    key_conditions: Option<HashMap<String, KeyCondition>>,
    #[serde(rename = "ExpressionAttributeNames")]
    names: HashMap<String, String>,
    #[serde(rename = "ExpressionAttributeValues")]
    values: HashMap<String, Text>,
    #[serde(rename = "RequestItems")]
    batch: HashMap<String, IgnoredOr<Vec<BatchStep>>>,
    #[serde(rename = "TransactItems")]
    transaction: Vec<BatchStep>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Keys {
    namespace: Option<Text>,
    key: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Text {
    #[serde(rename = "S")]
    text: Option<String>,
}

#[derive(Deserialize)]
struct KeyCondition {
    #[serde(rename = "AttributeValueList", default)]
    values: Vec<Text>,
}

/// One write of a batch or a transaction.
#[derive(Default, Deserialize)]
#[serde(default)]
struct BatchStep {
    #[serde(
        alias = "PutRequest",
        alias = "DeleteRequest",
        alias = "Put",
        alias = "Delete",
        alias = "Update",
        alias = "ConditionCheck",
        alias = "Get"
    )]
    step: Option<StepOf>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StepOf {
    #[serde(rename = "TableName")]
    table: Option<String>,
    #[serde(rename = "Key")]
    key: Option<Keys>,
    #[serde(rename = "Item")]
    item: Option<Keys>,
}

/// A batch of reads has another shape than one of writes; only writes matter here.
#[derive(Deserialize)]
#[serde(untagged)]
enum IgnoredOr<T> {
    Wanted(T),
    Ignored(IgnoredAny),
}

impl Sketch {
    fn first_row(mut self) -> (String, Keys) {
        if let Some((table, steps)) = self.batch.drain().next() {
            let first = match steps {
                IgnoredOr::Wanted(steps) => steps.into_iter().next().and_then(|it| it.step),
                IgnoredOr::Ignored(_) => None,
            };
            return (table, first.unwrap_or_default().keys());
        }
        if let Some(step) = self.transaction.drain(..).next().and_then(|it| it.step) {
            let table = step.table.clone().unwrap_or_default();
            return (table, step.keys());
        }
        let table = self.table.take().unwrap_or_default();
        let queried = self.queried_namespace();
        let row = self.item.or(self.key).unwrap_or(Keys {
            namespace: queried.map(|text| Text { text: Some(text) }),
            key: None,
        });
        (table, row)
    }

    /// The partition value of a Query, in either of the two forms that SDKs use.
    fn queried_namespace(&self) -> Option<String> {
        if let Some(conditions) = &self.key_conditions {
            let condition = conditions.get("namespace")?;
            return condition.values.first()?.text.clone();
        }
        // `#namespace = :value`, with or without spaces, alone or with a condition on the sort key.
        let expression = self.key_condition.as_deref()?;
        expression
            .split(" AND ")
            .flat_map(|part| part.split(" and "))
            .filter_map(|part| part.split_once('='))
            .find_map(|(name, value)| {
                let name = name.trim().trim_start_matches('(');
                let name = self.names.get(name).map_or(name, String::as_str);
                let value = value.trim().trim_end_matches(')');
                (name == "namespace").then(|| self.values.get(value)?.text.clone())?
            })
    }
}

impl StepOf {
    fn keys(self) -> Keys {
        self.item.or(self.key).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(operation: Operation, body: &str) -> (String, Option<String>, Option<String>, bool) {
        let it = Request::read(operation, body.as_bytes());
        (it.table, it.namespace, it.key, it.conditional)
    }

    fn about(namespace: &str, key: Option<&str>) -> (String, Option<String>, Option<String>, bool) {
        let key = key.map(Into::into);
        ("t".into(), Some(namespace.into()), key, false)
    }

    #[test]
    fn rows_are_named_by_their_keys() {
        let put = r#"{"TableName":"t","Item":{"namespace":{"S":"p:features"},"key":{"S":"a"},"version":{"N":"1"}},
            "ConditionExpression":"attribute_not_exists(#k)"}"#;
        let (table, namespace, key, conditional) = read(Operation::PutItem, put);
        assert_eq!((table.as_str(), conditional), ("t", true));
        assert_eq!(namespace.as_deref(), Some("p:features"));
        assert_eq!(key.as_deref(), Some("a"));
        let get = r#"{"TableName":"t","Key":{"key":{"S":"a"},"namespace":{"S":"n"}}}"#;
        assert_eq!(read(Operation::GetItem, get), about("n", Some("a")));
    }

    #[test]
    fn queries_name_their_partition_in_either_form() {
        let old = r#"{"TableName":"t","KeyConditions":{"namespace":{"AttributeValueList":[{"S":"n"}],"ComparisonOperator":"EQ"}}}"#;
        assert_eq!(read(Operation::Query, old), about("n", None));
        for expression in [
            "#n = :n",
            "#n=:n",
            "namespace = :n AND #k > :k",
            "(#k > :k) and (#n = :n)",
        ] {
            let new = format!(
                r##"{{"TableName":"t","KeyConditionExpression":"{expression}","ExpressionAttributeNames":{{"#n":"namespace","#k":"key"}},"ExpressionAttributeValues":{{":n":{{"S":"n"}},":k":{{"S":"a"}}}}}}"##
            );
            assert_eq!(read(Operation::Query, &new), about("n", None));
        }
    }

    #[test]
    fn batches_and_transactions_are_named_by_their_first_row() {
        let row = r#"{"namespace":{"S":"n"},"key":{"S":"a"}}"#;
        let batch = format!(r#"{{"RequestItems":{{"t":[{{"PutRequest":{{"Item":{row}}}}}]}}}}"#);
        assert_eq!(
            read(Operation::BatchWriteItem, &batch),
            about("n", Some("a"))
        );
        let transaction = format!(
            r#"{{"TransactItems":[{{"Delete":{{"TableName":"t","Key":{row}}}}},{{"Put":{{"TableName":"t","Item":{row}}}}}]}}"#
        );
        assert_eq!(
            read(Operation::TransactWriteItems, &transaction),
            about("n", Some("a"))
        );
    }
}
