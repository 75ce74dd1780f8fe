//! Two listeners that cannot be held up: not by a slow client, not by many, not when we stop.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::tls::{ServedPair, Tls};
use super::{App, admin, work};

/// As the Relay Proxy has it; for a TLS handshake, and for a request's headers.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// For reading a request and taking our answer, all told.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);
/// How long connections have to finish once we stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections at a time on each port; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 256;
const MAX_HEADER_BYTES: usize = 16 * 1_024;
/// After a failed accept, which mostly means that there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// The port for load balancers: plain, or with TLS.
pub struct WorkPort {
    listener: TcpListener,
    tls: Option<Tls>,
}

impl WorkPort {
    /// Listens with TLS, if there is something to speak it with.
    pub const fn new(listener: TcpListener, tls: Option<Tls>) -> Self {
        Self { listener, tls }
    }

    /// Where it is.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl From<TcpListener> for WorkPort {
    fn from(listener: TcpListener) -> Self {
        Self::new(listener, None)
    }
}

/// Answers on both ports until `stop`, and then finishes the requests it has.
pub async fn serve(
    work_port: impl Into<WorkPort>,
    admin_port: TcpListener,
    app: App,
    stop: CancellationToken,
) {
    let WorkPort { listener, tls } = work_port.into();
    let (admin, clock) = (admin(app.clone()), app.clock);
    let served = tls.as_ref().map(Tls::served);
    let keep_current = async {
        if let Some(tls) = tls {
            tls.keep_current(clock, &stop).await;
        }
    };
    tokio::join!(
        accept(listener, served, work(app), &stop),
        accept(admin_port, None, admin, &stop),
        keep_current
    );
}

async fn accept(
    listener: TcpListener,
    tls: Option<ServedPair>,
    router: Router,
    stop: &CancellationToken,
) {
    let mut connections = JoinSet::new();
    while !stop.is_cancelled() {
        let room = connections.len() < MAX_CONNECTIONS;
        tokio::select! {
            () = stop.cancelled() => {}
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if room => match accepted {
                Ok((stream, peer)) => {
                    let acceptor = tls.as_ref().map(ServedPair::acceptor);
                    connections.spawn(answer(stream, acceptor, peer, router.clone(), stop.clone()));
                }
                Err(error) => {
                    tracing::warn!(detail = %error, "a connection could not be accepted");
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = time::sleep(ACCEPT_PAUSE) => {}
                    }
                }
            },
        }
    }
    drop(listener);
    // What is not done by then is cut off when the set is dropped.
    let drained = async { while connections.join_next().await.is_some() {} };
    if time::timeout(DRAIN_TIMEOUT, drained).await.is_err() {
        tracing::info!("connections were cut off that did not end in time");
    }
}

async fn answer(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
) {
    let Some(acceptor) = acceptor else {
        return converse(stream, peer, router, stop).await;
    };
    let shaken = tokio::select! {
        shaken = time::timeout(HEADER_READ_TIMEOUT, acceptor.accept(stream)) => shaken,
        // Nothing was asked yet.
        () = stop.cancelled() => return,
    };
    match shaken {
        Ok(Ok(stream)) => converse(stream, peer, router, stop).await,
        Ok(Err(error)) => tracing::debug!(detail = %error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

/// One request a connection: probes and scrapes are seconds apart, and a connection that is never kept open cannot be
/// closed by us at the moment in which a load balancer uses it again.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let whole = async {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = stop.cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    // How a client breaks off is the client's affair.
    match time::timeout(CONNECTION_TIMEOUT, whole).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(detail = %error, "a connection broke"),
        Err(_) => tracing::debug!("a connection took too long"),
    }
}
