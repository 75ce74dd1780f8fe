//! A listener that can be closed and opened again on its port, and whose connections can be cut at any byte.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Serves a router until it is closed or dropped.
pub(super) struct Server {
    address: SocketAddr,
    router: Router,
    runtime: Handle,
    tasks: tokio::sync::Mutex<JoinSet<()>>,
    cut: Cut,
}

/// Ends every connection that there is, those to come aside.
#[derive(Clone, Default)]
struct Cut(Arc<Mutex<CancellationToken>>);

impl Cut {
    fn all(&self) {
        let mut token = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        token.cancel();
        *token = CancellationToken::new();
    }

    fn of_one(&self) -> CancellationToken {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .child_token()
    }
}

impl Server {
    /// Listens on `address` (port 0: a free one) and serves on `runtime`.
    pub(super) async fn start(
        address: SocketAddr,
        router: Router,
        runtime: Handle,
    ) -> io::Result<Self> {
        let mut server = Self {
            address,
            router,
            runtime,
            tasks: tokio::sync::Mutex::default(),
            cut: Cut::default(),
        };
        server.address = server.open().await?;
        Ok(server)
    }

    /// Where it listens, or did and will again.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens again on the same port. Does nothing if it does already.
    pub(super) async fn open(&self) -> io::Result<SocketAddr> {
        let mut tasks = self.tasks.lock().await;
        if !tasks.is_empty() {
            return Ok(self.address);
        }
        let (opened, is_open) = oneshot::channel();
        let (address, router, cut) = (self.address, self.router.clone(), self.cut.clone());
        let serve = async move {
            let bound = TcpListener::bind(address)
                .await
                .and_then(|listener| Ok((listener.local_addr()?, listener)));
            match bound {
                Ok((address, listener)) => {
                    // Nobody waits any more if the server was dropped meanwhile; then this task ends at once.
                    if opened.send(Ok(address)).is_ok() {
                        let service = router.into_make_service_with_connect_info::<Link>();
                        if let Err(error) = axum::serve(Door { listener, cut }, service).await {
                            tracing::warn!(%error, "the simulator stopped serving");
                        }
                    }
                }
                Err(error) => drop(opened.send(Err(error))),
            }
        };
        tasks.spawn_on(serve, &self.runtime);
        is_open.await.unwrap_or_else(|_| {
            Err(io::Error::other(
                "the simulator's runtime ended before it listened",
            ))
        })
    }

    /// Refuses connections and cuts those that there are.
    pub(super) async fn close(&self) {
        let mut tasks = self.tasks.lock().await;
        self.cut.all();
        tasks.shutdown().await;
    }

    /// Cuts every connection; new ones are welcome.
    pub(super) fn cut_all(&self) {
        self.cut.all();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The tasks that axum started for connections end with their sockets.
        self.cut.all();
    }
}

struct Door {
    listener: TcpListener,
    cut: Cut,
}

impl Listener for Door {
    type Io = Wire;
    type Addr = Link;

    async fn accept(&mut self) -> (Wire, Link) {
        loop {
            match self.listener.accept().await {
                Ok((socket, peer)) => {
                    // One small event must not wait for the next.
                    if let Err(error) = socket.set_nodelay(true) {
                        tracing::debug!(%error, "TCP_NODELAY could not be set");
                    }
                    let link = Link::new(peer, self.cut.of_one());
                    return (Wire::new(socket, &link), link);
                }
                // Too many open files, or a client that left at once.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Link> {
        let address = self.listener.local_addr()?;
        Ok(Link::new(address, CancellationToken::new()))
    }
}

/// A connection, as handlers see it.
#[derive(Clone, Debug)]
pub(super) struct Link {
    peer: SocketAddr,
    cut: CancellationToken,
    last_bytes: Arc<AtomicBool>,
}

impl Link {
    fn new(peer: SocketAddr, cut: CancellationToken) -> Self {
        Self {
            peer,
            cut,
            last_bytes: Arc::default(),
        }
    }

    /// Ends the connection without another byte. The answer is never sent, and neither is the end of one that has begun.
    pub(super) fn cut(&self) {
        tracing::trace!(peer = %self.peer, "connection cut");
        self.cut.cancel();
    }

    /// [`Link::cut`], for a handler that has nothing to answer.
    pub(super) async fn cut_for_good<T>(&self) -> T {
        self.cut();
        std::future::pending().await
    }

    /// Cuts the connection when everything that was said so far is on its way: for the body of an answer.
    pub(super) async fn cut_after_the_last_byte<T>(&self) -> T {
        self.last_bytes.store(true, Ordering::Release);
        std::future::pending().await
    }
}

impl Connected<IncomingStream<'_, Door>> for Link {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A socket that fails once its connection is cut.
struct Wire {
    socket: TcpStream,
    link: Link,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Wire {
    fn new(socket: TcpStream, link: &Link) -> Self {
        Self {
            socket,
            link: link.clone(),
            cut: Box::pin(link.cut.clone().cancelled_owned()),
        }
    }

    fn check(&self) -> io::Result<()> {
        if self.link.cut.is_cancelled() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Polled rather than asked, so that a reader is woken by the cut. Every connection has a reader waiting.
        if self.cut.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.socket).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Called when no byte waits in a buffer of ours any more.
        if self.link.last_bytes.load(Ordering::Acquire) {
            self.link.cut();
        }
        self.check()?;
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
