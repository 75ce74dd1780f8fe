//! What the table allows us, and how it is protected.

use super::{Chart, Severity};
use crate::environment::{Environment, read_all};
use crate::model::Observed;
use crate::table::Trouble;

impl Chart<'_> {
    /// What the table holds, if it can be read.
    pub(super) async fn table(&mut self, environment: &Environment) -> Option<Observed> {
        let table = &environment.table;
        let read = read_all(table).await;
        match &read {
            Ok(observed) => {
                let marker = if observed.initialized {
                    "with"
                } else {
                    "without"
                };
                let (name, rows) = (&table.name, observed.items.len());
                self.note(
                    "table",
                    Severity::Ok,
                    format!("{name} can be read: {rows} rows, {marker} the marker"),
                );
            }
            // Which permissions are missing is found out below, one by one.
            Err(Trouble::AccessDenied { .. }) => {}
            Err(trouble) => {
                self.note("table", Severity::Failed, trouble.to_string());
                return None;
            }
        }
        match table.missing_permissions().await {
            Ok(missing) if missing.is_empty() && read.is_err() => self.note(
                "permissions",
                Severity::Failed,
                "reading was refused and is allowed now: try again".into(),
            ),
            Ok(missing) if missing.is_empty() => self.note(
                "permissions",
                Severity::Ok,
                "Query, GetItem, PutItem and DeleteItem are allowed".into(),
            ),
            Ok(missing) => {
                for trouble in missing {
                    self.note("permissions", Severity::Failed, trouble.to_string());
                }
            }
            Err(trouble) => self.note("permissions", Severity::Warning, trouble.to_string()),
        }
        match table.advice().await {
            Ok(advice) if advice.is_empty() => {
                self.note(
                    "protection",
                    Severity::Ok,
                    "deletion protection and point-in-time recovery are on".into(),
                );
            }
            Ok(advice) => self.note("protection", Severity::Warning, advice.join("; ")),
            Err(trouble) => self.note(
                "protection",
                Severity::Warning,
                format!("not looked at: {trouble}"),
            ),
        }
        read.ok()
    }
}
