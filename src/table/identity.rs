//! Whose data is stored here: one item beside it, that no SDK queries.

use std::sync::Arc;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use super::dynamodb::{Outcome, Table, billed, units};
use super::layout::ENVIRONMENT_ID;
use super::reading::Read;

impl Table {
    /// LaunchDarkly's ID of the environment whose data this is, where it is remembered; read with strong consistency.
    pub async fn identity(&self) -> Result<Read<Option<Arc<str>>>, super::Trouble> {
        let read = self.get(self.layout.identity_key()).await?;
        let id = read.value.as_ref().and_then(|row| row.get(ENVIRONMENT_ID));
        Ok(Read {
            value: id
                .and_then(|id| id.as_s().ok())
                .map(|id| id.as_str().into()),
            units: read.units,
        })
    }

    /// Remembers it, where what is remembered is still what was seen. Also says the units that it took.
    pub async fn remember_identity(&self, id: &str, seen: Option<&str>) -> (Outcome, f64) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let mut row = self.layout.identity_key();
        row.insert(ENVIRONMENT_ID.into(), text(id));
        // What is no text is as good as absent: it was read so.
        let (condition, value) = match seen {
            None => (
                "attribute_not_exists(#c) OR NOT attribute_type(#c, :v)",
                text("S"),
            ),
            Some(seen) => ("#c = :v", text(seen)),
        };
        let put = self
            .client()
            .put_item()
            .table_name(&*self.name)
            .set_item(Some(row))
            .condition_expression(condition)
            .expression_attribute_names("#c", ENVIRONMENT_ID)
            .expression_attribute_values(":v", value)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match put {
            Ok(done) => (Outcome::Applied, units(done.consumed_capacity())),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                (Outcome::Superseded(None), billed(1, None))
            }
            Err(error) => (
                match self.failed("PutItem", &error) {
                    Outcome::Failed(trouble) => {
                        Outcome::Failed(trouble.in_partition(self.layout.identity()))
                    }
                    outcome => outcome,
                },
                0.0,
            ),
        }
    }
}
