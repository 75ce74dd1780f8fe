//! The PEM files that settings name: whether they can be read, and whether they are all there.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::TlsSettings;
use super::draft::TlsDraft;
use super::load::InEffect;
use super::origin::Findings;
use super::sources::Sources;

/// Looks at the files that settings name.
pub(super) struct PemFiles<'a> {
    pub(super) given: &'a InEffect<'a>,
    pub(super) sources: &'a Sources<'a>,
    pub(super) findings: &'a mut Findings,
}

impl PemFiles<'_> {
    /// Authorities to trust besides the system's.
    pub(super) fn authorities(&mut self, paths: &[PathBuf]) {
        const HOLDS: &str = "certificates of authorities";
        for path in paths {
            let Some(text) = self.readable("PROXY_CA_CERTS", path, HOLDS) else {
                continue;
            };
            let mut roots = RootCertStore::empty();
            let mut certificates = CertificateDer::pem_slice_iter(text.as_bytes());
            let all = certificates.all(|it| it.is_ok_and(|it| roots.add(it).is_ok()));
            if !all || roots.is_empty() {
                let text = format!(
                    "the file {} holds no certificate in PEM, or one that is broken; name a PEM file with {HOLDS}",
                    path.display()
                );
                self.problem("PROXY_CA_CERTS", text);
            }
        }
    }

    /// TLS on the work port, if it is switched on and nothing is missing. Whether key and certificate fit is for the port to
    /// say, which looks at them again while we run.
    pub(super) fn tls(&mut self, draft: &TlsDraft) -> Option<TlsSettings> {
        if !draft.enabled {
            return None;
        }
        let lowest = self.given.get("TLS_MIN_VERSION", None);
        if let Some(lowest) = lowest.filter(|it| matches!(it.value.as_str(), "1.0" | "1.1")) {
            let text = format!(
                "TLS {} is raised to 1.2, below which nothing is spoken here",
                lowest.value
            );
            self.findings.warning([lowest.origin.clone()], text);
        }
        let certificate = draft.certificate.as_deref();
        let certificate = self.tls_file("TLS_CERT", certificate, "the certificate and its chain");
        let key = self.tls_file("TLS_KEY", draft.key.as_deref(), "the private key");
        Some(TlsSettings {
            certificate: certificate?,
            key: key?,
            min_version: draft.min_version,
        })
    }

    fn tls_file(&mut self, setting: &str, path: Option<&Path>, holds: &str) -> Option<PathBuf> {
        if let Some(path) = path {
            self.readable(setting, path, holds);
        } else {
            let text = format!(
                "{setting} is missing: set it to the PEM file that holds {holds}, or set TLS_ENABLED=false"
            );
            self.problem("TLS_ENABLED", text);
        }
        path.map(Path::to_owned)
    }

    /// What is in it, as far as it can be judged here: text before and after what counts may be in any encoding.
    fn readable(&mut self, setting: &str, path: &Path, holds: &str) -> Option<String> {
        match (self.sources.read)(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::InvalidData => None,
            Err(error) => {
                let text = format!(
                    "the file {} cannot be read: {error}; name the PEM file that holds {holds}",
                    path.display()
                );
                self.problem(setting, text);
                None
            }
        }
    }

    fn problem(&mut self, setting: &str, text: String) {
        let about = self.given.get(setting, None);
        self.findings
            .problem(about.map(|it| it.origin.clone()), text);
    }
}
