//! What the running daemon answers over HTTP.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

use crate::process::PATIENCE;

/// Between two questions.
const BETWEEN: Duration = Duration::from_millis(10);

/// An answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value of a metric, with the labels as they are printed.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let value = self.body.lines().find_map(|line| {
            let rest = line.strip_prefix(series)?;
            rest.strip_prefix(' ')?.parse().ok()
        });
        value.unwrap_or_else(|| panic!("no {series} in\n{}", self.body))
    }
}

pub(crate) async fn get(port: u16, path: &str) -> Answer {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    connection.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        body: body.to_owned(),
    }
}

/// Asks until the answer is as it should be: for what follows an event at once, but not before it is told.
pub(crate) async fn until(port: u16, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
    let mut last = None;
    // Not as fast as it can: the program wants to work as well.
    let mut turns = interval(BETWEEN);
    let asked = async {
        loop {
            turns.tick().await;
            let answer = get(port, path).await;
            if wanted(&answer) {
                return answer;
            }
            last = Some(answer);
        }
    };
    let asked = timeout(PATIENCE, asked).await;
    asked.unwrap_or_else(|_| panic!("{path} never was as it should be: {last:?}"))
}
