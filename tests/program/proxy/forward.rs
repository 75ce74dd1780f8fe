//! A forward proxy in the process of the tests: it opens tunnels, passes plain requests on, speaks SOCKS, and remembers who
//! asked for what.

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
    copy_bidirectional,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What somebody asked of the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// `CONNECT host:port`, `GET http://host:port/path`, `SOCKS host:port`.
    pub(crate) what: String,
    /// User and password, as they were understood.
    pub(crate) credentials: Option<String>,
}

/// What the proxy does with whoever asks.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// Lets everybody through.
    Open,
    /// Asks for Basic, and for these: `user:password`.
    Basic(&'static str),
    /// Answers with this status.
    Refusing(u16),
}

/// The proxy. Dropping it ends its connections.
pub(crate) struct ForwardProxy {
    pub(crate) port: u16,
    asked: watch::Sender<Vec<Asked>>,
    _tasks: JoinSet<()>,
}

impl ForwardProxy {
    pub(crate) async fn start(manner: Manner) -> Self {
        Self::listen(manner, None, false).await
    }

    /// One that itself is spoken to with TLS.
    pub(crate) async fn secure(manner: Manner, acceptor: TlsAcceptor) -> Self {
        Self::listen(manner, Some(acceptor), false).await
    }

    /// One that speaks SOCKS 5.
    pub(crate) async fn socks(manner: Manner) -> Self {
        Self::listen(manner, None, true).await
    }

    async fn listen(manner: Manner, tls: Option<TlsAcceptor>, socks: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = watch::Sender::new(Vec::new());
        let mut tasks = JoinSet::new();
        let log = asked.clone();
        tasks.spawn(async move {
            let (mut connections, manner) = (JoinSet::new(), Arc::new(manner));
            while let Ok((client, _)) = listener.accept().await {
                let (manner, log, tls) = (Arc::clone(&manner), log.clone(), tls.clone());
                connections.spawn(async move {
                    // How a connection ends is the affair of both its ends.
                    drop(match tls {
                        None if socks => speak_socks(client, &manner, &log).await,
                        None => speak_http(client, &manner, &log).await,
                        Some(tls) => match tls.accept(client).await {
                            Ok(client) => speak_http(client, &manner, &log).await,
                            Err(error) => Err(error),
                        },
                    });
                });
            }
        });
        Self {
            port,
            asked,
            _tasks: tasks,
        }
    }

    /// Everything that was asked until now.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    /// Returns once so much was asked.
    pub(crate) async fn asked_times(&self, count: usize) {
        let mut asked = self.asked.subscribe();
        asked.wait_for(|it| it.len() >= count).await.unwrap();
    }
}

async fn speak_http(
    client: impl AsyncRead + AsyncWrite + Unpin,
    manner: &Manner,
    log: &watch::Sender<Vec<Asked>>,
) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if client.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let mut words = head[0].split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let basic = |line: &String| {
        let (name, value) = line.split_once(": ")?;
        let coded = value.strip_prefix("Basic ")?;
        let decoded = BASE64_STANDARD.decode(coded).unwrap();
        name.eq_ignore_ascii_case("proxy-authorization")
            .then(|| String::from_utf8(decoded).unwrap())
    };
    let credentials = head.iter().find_map(basic);
    let asked = Asked {
        what: format!("{method} {target}"),
        credentials: credentials.clone(),
    };
    log.send_modify(|log| log.push(asked));
    let refused = match manner {
        Manner::Open => None,
        Manner::Basic(expected) if credentials.as_deref() == Some(expected) => None,
        Manner::Basic(_) => {
            Some("407 Proxy Authentication Required\r\nProxy-Authenticate: Basic".into())
        }
        Manner::Refusing(status) => Some(format!("{status} As it is told\r\nX-Reason: none")),
    };
    if let Some(refused) = refused {
        let answer =
            format!("HTTP/1.1 {refused}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        client.write_all(answer.as_bytes()).await?;
        return client.flush().await;
    }
    if method == "CONNECT" {
        let mut server = TcpStream::connect(target).await?;
        client
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await?;
        client.flush().await?;
        copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    }
    let (authority, path) = target
        .strip_prefix("http://")
        .and_then(|it| it.split_once('/'))
        .unwrap();
    let mut server = TcpStream::connect(authority).await?;
    let ours = |line: &&String| !line.to_ascii_lowercase().starts_with("proxy-");
    let rest: Vec<_> = head[1..].iter().filter(ours).cloned().collect();
    let head = format!("{method} /{path} HTTP/1.1\r\n{}\r\n\r\n", rest.join("\r\n"));
    server.write_all(head.as_bytes()).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

async fn speak_socks(
    mut client: TcpStream,
    manner: &Manner,
    log: &watch::Sender<Vec<Asked>>,
) -> io::Result<()> {
    const VERSION: u8 = 5;
    const WITH_PASSWORD: u8 = 2;
    const A_NAME: u8 = 3;
    assert_eq!(client.read_u8().await?, VERSION);
    let methods = short(&mut client).await?;
    let mut credentials = None;
    if methods.contains(&WITH_PASSWORD) {
        client.write_all(&[VERSION, WITH_PASSWORD]).await?;
        client.read_u8().await?;
        let (user, password) = (short(&mut client).await?, short(&mut client).await?);
        let both = [&user[..], b":", &password].concat();
        credentials = Some(String::from_utf8(both).unwrap());
        client.write_all(&[1, 0]).await?;
    } else {
        client.write_all(&[VERSION, 0]).await?;
    }
    let mut request = [0; 4];
    client.read_exact(&mut request).await?;
    assert_eq!(request[3], A_NAME, "the proxy resolves names");
    let name = String::from_utf8(short(&mut client).await?).unwrap();
    let port = client.read_u16().await?;
    let asked = Asked {
        what: format!("SOCKS {name}:{port}"),
        credentials: credentials.clone(),
    };
    log.send_modify(|log| log.push(asked));
    let welcome = match manner {
        Manner::Open => true,
        Manner::Basic(expected) => credentials.as_deref() == Some(expected),
        Manner::Refusing(_) => false,
    };
    let answer = [VERSION, u8::from(!welcome), 0, 1, 127, 0, 0, 1, 0, 0];
    client.write_all(&answer).await?;
    if welcome {
        let mut server = TcpStream::connect((name, port)).await?;
        copy_bidirectional(&mut client, &mut server).await?;
    }
    Ok(())
}

/// Bytes with their count before them.
async fn short(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; client.read_u8().await?.into()];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}
