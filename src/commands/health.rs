//! `health [--ready]`: asks the daemon on this machine, for containers without a shell.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::body::{self, Body};
use axum::http::{Request, StatusCode, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time;

use crate::config::Loaded;

/// Where the daemon listens if nothing is set, or nothing that is a port.
const DEFAULT_PORT: u16 = 8030;
const DEFAULT_ADMIN_PORT: u16 = 8031;
const TIMEOUT: Duration = Duration::from_secs(3);
const MAX_ANSWER_BYTES: usize = 64 * 1_024;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether the process answers. What an orchestrator restarts for should be this.
    Alive,
    /// Whether readers have usable data.
    Ready,
}

/// What the daemon answered, or why it did not.
#[derive(Debug)]
pub struct HealthAnswer(Result<(StatusCode, String)>);

/// Where to ask: on the work port, or where that speaks TLS on the admin port, which never does. Also where the settings
/// cannot be used: a file that one of them names may be gone only for now, and the daemon runs.
pub fn port(loaded: &Loaded) -> u16 {
    let speaks_tls = loaded
        .value("TLS_ENABLED")
        .is_some_and(|it| it == "1" || it.eq_ignore_ascii_case("true"));
    let (variable, default) = if speaks_tls {
        ("PROMETHEUS_PORT", DEFAULT_ADMIN_PORT)
    } else {
        ("PORT", DEFAULT_PORT)
    };
    let port = loaded.value(variable).and_then(|it| it.parse().ok());
    port.unwrap_or(default)
}

/// Asks the daemon that listens on `port`.
pub async fn ask(port: u16, question: Question) -> HealthAnswer {
    let asked = time::timeout(TIMEOUT, get(port, question)).await;
    let late = || anyhow::anyhow!("nothing came within {} s", TIMEOUT.as_secs());
    let answer = asked.unwrap_or_else(|_| Err(late()));
    HealthAnswer(answer.with_context(|| {
        format!("the daemon does not answer on port {port}: is it running, with this PORT?")
    }))
}

impl HealthAnswer {
    /// Whether the answer is yes.
    pub fn is_good(&self) -> bool {
        matches!(&self.0, Ok((status, _)) if status.is_success())
    }

    /// Writes the answer for people, or as one JSON object.
    pub fn write(&self, out: &mut impl Write, as_json: bool) -> io::Result<()> {
        let (status, text) = match &self.0 {
            Ok((status, text)) => (Some(status.as_u16()), text.trim_end().to_owned()),
            Err(error) => (None, format!("{error:#}")),
        };
        if as_json {
            let lines: Vec<_> = text.lines().collect();
            let answer = json!({"ok": self.is_good(), "status": status, "answer": lines});
            writeln!(out, "{answer}")
        } else {
            writeln!(out, "{text}")
        }
    }
}

/// Without `reqwest`: that reads the system's certificates first, and fails where there are none.
async fn get(port: u16, question: Question) -> Result<(StatusCode, String)> {
    let path = match question {
        Question::Alive => "/livez",
        Question::Ready => "/readyz",
    };
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path)
        .header(header::HOST, format!("localhost:{port}"))
        .body(Body::empty())?;
    let exchange = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let bytes = body::to_bytes(Body::new(response.into_body()), MAX_ANSWER_BYTES).await?;
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    };
    // The connection has to be driven while the exchange waits. What breaks it, the exchange is told as well.
    let (_, answer) = tokio::join!(connection, exchange);
    answer
}
