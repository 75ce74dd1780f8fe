//! Asks the simulated LaunchDarkly, and listens.

use std::time::Duration;

use ld_dynamodb_relay::simulator::LaunchDarkly;
use reqwest::Response;
use tokio::time::timeout;

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

pub(crate) async fn ask(
    launchdarkly: &LaunchDarkly,
    path: &str,
    key: &str,
) -> reqwest::Result<Response> {
    client()
        .get(launchdarkly.uri() + path)
        .header("Authorization", key)
        .send()
        .await
}

/// What was received of a stream so far.
pub(crate) struct Asking {
    pub(crate) response: Response,
    pub(crate) received: Vec<u8>,
    pub(crate) chunks: usize,
}

impl Asking {
    pub(crate) async fn of(launchdarkly: &LaunchDarkly, path: &str, key: &str) -> Self {
        Self {
            response: ask(launchdarkly, path, key).await.unwrap(),
            received: Vec::new(),
            chunks: 0,
        }
    }

    pub(crate) async fn hears(&mut self, expected: &str) {
        while !self.text().contains(expected) {
            let chunk = timeout(Duration::from_secs(20), self.response.chunk()).await;
            let chunk = chunk.expect(expected).unwrap().expect(expected);
            self.received.extend_from_slice(&chunk);
            self.chunks += 1;
        }
    }

    /// Reads to the end; an error if there is none but a cut.
    pub(crate) async fn ends(&mut self) -> reqwest::Result<()> {
        while let Some(chunk) = self.response.chunk().await? {
            self.received.extend_from_slice(&chunk);
            self.chunks += 1;
        }
        Ok(())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.response.headers()[name].to_str().unwrap()
    }
}
