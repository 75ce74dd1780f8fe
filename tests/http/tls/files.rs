//! Two files with a certificate and its key, the port that serves them, and what it logs.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use ld_dynamodb_relay::clock::Moment;
use ld_dynamodb_relay::config::{Log, LogFormat, TlsSettings, TlsVersion};
use ld_dynamodb_relay::http::{Tls, WorkPort};
use ld_dynamodb_relay::logging::{self, LogLevels};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ALL_VERSIONS, ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, interval};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::certificates::{Authority, Issued};
use crate::sockets::{Sockets, serve};
use crate::world::{World, good};

/// In 2027: between the certificates' years.
fn in_between() -> Moment {
    Moment {
        monotonic: Instant::now(),
        wall: SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365 * 57),
    }
}

/// The two files, and who issued what is in them.
pub(super) struct Files {
    pub(super) authority: Authority,
    folder: TempDir,
}

impl Files {
    pub(super) fn new() -> Self {
        Self {
            authority: Authority::new(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(super) fn settings(&self, min_version: TlsVersion) -> TlsSettings {
        TlsSettings {
            certificate: self.folder.path().join("tls.crt"),
            key: self.folder.path().join("tls.key"),
            min_version,
        }
    }

    pub(super) fn put(&self, certificate: &str, key: &str) {
        let settings = self.settings(TlsVersion::Tls12);
        std::fs::write(settings.certificate, certificate).unwrap();
        std::fs::write(settings.key, key).unwrap();
    }

    pub(super) fn issue(&self, last_year: i32) -> Issued {
        let issued = self.authority.issue(last_year);
        self.put(&issued.certificate, &issued.key);
        issued
    }

    pub(super) async fn serve(&self, min_version: TlsVersion) -> Sockets {
        let tls = Tls::load(&self.settings(min_version)).await.unwrap();
        let mut world = World::new(&[("a", good)]);
        world.app.clock = in_between;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        serve(&world, WorkPort::new(listener, Some(tls)), port).await
    }

    /// Connects with any of these versions, and offers these protocols.
    pub(super) async fn connect(
        &self,
        port: u16,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(self.authority.pem().as_bytes()).unwrap();
        roots.add(authority).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await
    }

    /// The certificate that is served.
    pub(super) async fn served(&self, port: u16) -> CertificateDer<'static> {
        let stream = self.connect(port, ALL_VERSIONS, &[]).await.unwrap();
        let chain = stream.get_ref().1.peer_certificates().unwrap();
        chain[0].clone().into_owned()
    }
}

pub(super) fn der(issued: &Issued) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()
}

/// What was logged.
#[derive(Clone, Default)]
pub(super) struct Logged(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Logged {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Logged {
    pub(super) fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let logged = Self::default();
        let log = Log {
            level: LevelFilter::INFO,
            format: Some(LogFormat::Json),
        };
        let guard = logging::subscriber(
            log.format,
            false,
            &LogLevels::new(log.level, &[]),
            logged.clone(),
        )
        .set_default();
        (logged, guard)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Lets time pass until there are so many lines with this text.
    pub(super) async fn until(&self, text: &str, count: usize) {
        let mut each_second = interval(Duration::from_secs(1));
        for _ in 0..2_000 {
            if self.text().matches(text).count() >= count {
                return;
            }
            each_second.tick().await;
        }
        panic!("`{text}` was not logged {count} times: {}", self.text());
    }
}
