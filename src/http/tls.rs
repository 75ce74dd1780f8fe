//! TLS on the work port: the pair that is served, and its exchange while we run.

mod pair;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio::sync::watch;
use tokio::time;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::Moment;
use crate::config::TlsSettings;
use crate::environment::Told;
use pair::{NoPair, Pair};

/// How often both files are looked at: a service mesh or cert-manager exchanges certificates every few hours.
const LOOK_INTERVAL: Duration = Duration::from_mins(1);
/// No chain and no key is longer.
const MAX_BYTES: u64 = 1 << 20;

/// What the work port speaks TLS with.
pub struct Tls {
    settings: TlsSettings,
    /// Of both files as they are served.
    digest: [u8; 32],
    pair: watch::Sender<Pair>,
    told: Told,
}

/// Why TLS cannot be spoken. Nothing that is in the files is told.
#[derive(Debug, thiserror::Error)]
pub enum TlsTrouble {
    /// A file cannot be read.
    #[error("{setting}: the file {} cannot be read: {cause}", path.display())]
    Unreadable {
        /// What names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// What they hold is of no use.
    #[error(transparent)]
    NoPair(#[from] NoPair),
}

impl Tls {
    /// Reads both files.
    pub async fn load(settings: &TlsSettings) -> Result<Self, TlsTrouble> {
        let files = Files::read(settings).await?;
        Ok(Self {
            settings: settings.clone(),
            digest: files.digest(),
            pair: watch::Sender::new(files.pair(settings)?),
            told: Told::default(),
        })
    }

    /// What is served at any time.
    pub(super) fn served(&self) -> ServedPair {
        ServedPair(self.pair.subscribe())
    }

    /// Looks at both files again and again, and serves what is there then, until `stop`.
    pub(super) async fn keep_current(mut self, clock: fn() -> Moment, stop: &CancellationToken) {
        self.judge(None, clock());
        let look_again = async {
            loop {
                time::sleep(LOOK_INTERVAL).await;
                let trouble = self.look().await.err();
                self.judge(trouble, clock());
            }
        };
        // Also where a file system hangs.
        tokio::select! {
            () = look_again => {}
            () = stop.cancelled() => {}
        }
    }

    /// Takes another pair, if there is one and it fits. The one before stays otherwise.
    async fn look(&mut self) -> Result<(), TlsTrouble> {
        // Told by its contents alone whether a file changed: what is mounted is exchanged by renaming links.
        let files = Files::read(&self.settings).await?;
        let digest = files.digest();
        if digest != self.digest {
            self.pair.send_replace(files.pair(&self.settings)?);
            self.digest = digest;
            info!("the TLS certificate was exchanged");
        }
        Ok(())
    }

    /// Tells what is the matter: with the files, or with the dates of what is served.
    fn judge(&mut self, trouble: Option<TlsTrouble>, now: Moment) {
        let untimely = self.pair.borrow().untimely(now.wall);
        if let Some(trouble) = trouble {
            let detail = trouble.to_string();
            if self.told.is_news(&detail, now.monotonic) {
                warn!(
                    detail,
                    "the TLS certificate cannot be exchanged; the one before is still served"
                );
            }
        } else if let Some(detail) = untimely {
            if self.told.is_news(&detail, now.monotonic) {
                warn!(
                    detail,
                    "the TLS certificate is not valid at this time; clients may refuse it"
                );
            }
        } else if self.told.is_over() {
            info!("the TLS certificate is in order again");
        }
    }
}

/// The pair that is served at the moment. Cheap to clone.
#[derive(Clone)]
pub(super) struct ServedPair(watch::Receiver<Pair>);

impl ServedPair {
    /// What accepts the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.0.borrow().acceptor.clone()
    }
}

/// Both files as they are.
struct Files {
    certificate: Vec<u8>,
    key: SecretSlice<u8>,
}

impl Files {
    async fn read(settings: &TlsSettings) -> Result<Self, TlsTrouble> {
        Ok(Self {
            certificate: read("TLS_CERT", &settings.certificate).await?,
            key: read("TLS_KEY", &settings.key).await?.into(),
        })
    }

    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(self.certificate.len().to_le_bytes());
        digest.update(&self.certificate);
        digest.update(self.key.expose_secret());
        digest.finalize().into()
    }

    fn pair(&self, settings: &TlsSettings) -> Result<Pair, NoPair> {
        Pair::new(
            &self.certificate,
            self.key.expose_secret(),
            settings.min_version,
        )
    }
}

async fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, TlsTrouble> {
    let unreadable = |cause| TlsTrouble::Unreadable {
        setting,
        path: path.to_owned(),
        cause,
    };
    let file = File::open(path).await.map_err(unreadable)?;
    // The room is made at once: a key would be left behind where it is outgrown.
    let mut bytes = Vec::with_capacity(64 << 10);
    let mut file = file.take(MAX_BYTES + 1);
    file.read_to_end(&mut bytes).await.map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(unreadable(io::Error::other("it is larger than 1 MiB")));
    }
    Ok(bytes)
}
