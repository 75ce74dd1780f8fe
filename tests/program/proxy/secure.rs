//! TLS before the simulated LaunchDarkly, with a certificate of an authority that nobody knows who is not told.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Authority, FAR};

/// What accepts connections for `localhost`, with a certificate of this authority.
pub(crate) fn acceptor(authority: &Authority) -> TlsAcceptor {
    let issued = authority.issue(FAR);
    let certificate = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Ends TLS, and passes on what is said to `uri`. Dropping it ends its connections.
pub(crate) struct SecureFront {
    pub(crate) port: u16,
    _tasks: JoinSet<()>,
}

impl SecureFront {
    pub(crate) async fn start(authority: &Authority, uri: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = acceptor(authority);
        let behind = uri.strip_prefix("http://").unwrap().to_owned();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                connections.spawn(async move {
                    // Who does not trust the certificate goes away.
                    if let Ok(mut client) = acceptor.accept(client).await {
                        let mut server = TcpStream::connect(behind).await.unwrap();
                        copy_bidirectional(&mut client, &mut server).await.ok();
                    }
                });
            }
        });
        Self {
            port,
            _tasks: tasks,
        }
    }

    /// Where LaunchDarkly is, by its name.
    pub(crate) fn uri(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}
