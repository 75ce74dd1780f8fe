//! The polling API, as far as it is used: whether it answers. What it would say comes on the stream.

use std::time::Duration;

use secrecy::SecretString;

use super::stream::{Client, Refusal, network};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

impl Client {
    /// The status with which the polling API answers this key. The body is not read.
    pub async fn poll_status(&self, base_uri: &str, key: &SecretString) -> Result<u16, Refusal> {
        let request = self.get(&format!("{base_uri}/sdk/latest-all"), key);
        let answer = request.timeout(TIMEOUT).send().await;
        answer
            .map(|answer| answer.status().as_u16())
            .map_err(|error| network(&error))
    }
}
