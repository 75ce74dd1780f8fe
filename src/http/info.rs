//! What is shown of an environment's configuration.

use std::sync::Arc;

use super::masking::{masked, without_user};
use crate::config::EnvironmentSettings;
use crate::secrets::Kept;
use crate::webhook::Addressee;

/// What is shown of an environment's configuration, and what it goes by at LaunchDarkly.
#[derive(Clone)]
pub struct EnvironmentInfo {
    /// Its name.
    pub name: Arc<str>,
    /// As it is now: keys are rotated.
    pub(super) sdk_key: Kept,
    pub(super) mobile_key: Option<String>,
    pub(super) environment_id: Option<String>,
    pub(super) project: Option<String>,
    environment_key: Option<String>,
    pub(super) table: String,
    pub(super) prefix: String,
    pub(super) endpoint: Option<String>,
}

impl EnvironmentInfo {
    /// Of this environment with this SDK key, whose table is at this endpoint if not at AWS.
    pub fn new(environment: &EnvironmentSettings, sdk_key: Kept, endpoint: Option<&str>) -> Self {
        Self {
            name: Arc::clone(&environment.name),
            sdk_key,
            mobile_key: environment.mobile_key.as_ref().map(masked),
            environment_id: environment.environment_id.clone(),
            project: environment.project.clone(),
            environment_key: environment.environment_key.clone(),
            table: environment.table.clone(),
            prefix: environment.prefix.clone(),
            endpoint: endpoint.map(without_user),
        }
    }

    /// What it goes by at LaunchDarkly.
    pub(super) fn addressee(&self) -> Addressee<'_> {
        Addressee {
            name: &self.name,
            project: self.project.as_deref(),
            environment: self.environment_key.as_deref(),
        }
    }
}
