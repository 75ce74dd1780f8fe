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
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    answer(&raw(port, request.as_bytes()).await)
}

/// Posts this body, with these headers, each a line.
pub(crate) async fn post(port: u16, path: &str, headers: &[&str], body: &[u8]) -> Answer {
    let mut head = format!("POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\n");
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    let length = format!("Content-Length: {}\r\n\r\n", body.len());
    head.push_str(&length);
    answer(&raw(port, &[head.as_bytes(), body].concat()).await)
}

/// Sends these bytes, and reads meanwhile whatever comes, until the other side ends the connection.
pub(crate) async fn raw(port: u16, bytes: &[u8]) -> String {
    let connection = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut read, mut write) = connection.into_split();
    let mut text = Vec::new();
    let both = async {
        // Nobody has to listen to the end.
        tokio::join!(write.write_all(bytes), read.read_to_end(&mut text)).1
    };
    let ended = timeout(PATIENCE, both).await.unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(ended.is_ok() || text.is_empty(), "cut off after {text}");
    text
}

/// Sends these bytes and breaks off.
pub(crate) async fn break_off(port: u16, bytes: &[u8]) {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    connection.write_all(bytes).await.unwrap();
}

fn answer(text: &str) -> Answer {
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
