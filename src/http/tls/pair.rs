//! A certificate with its chain and its private key, as two PEM files have them.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::TLS13;
use rustls::{
    ALL_VERSIONS, CertificateError, Error, RootCertStore, ServerConfig, SupportedProtocolVersion,
};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsVersion;

/// One request a connection, which nobody would multiplex.
const PROTOCOL: &[u8] = b"http/1.1";

/// A certificate that can be served.
pub(super) struct Pair {
    chain: Vec<CertificateDer<'static>>,
    pub(super) acceptor: TlsAcceptor,
}

/// Why two files are no pair. Nothing that is in them is told.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPair {
    /// The first holds no certificate.
    #[error(
        "TLS_CERT holds no certificate in PEM; name the file with the certificate and its chain"
    )]
    NoCertificate,
    /// The second holds no key.
    #[error(
        "TLS_KEY holds no private key in PEM (PKCS#8, PKCS#1 or SEC1, not encrypted); name the file with the key"
    )]
    NoKey,
    /// The key is another certificate's.
    #[error(
        "TLS_KEY is not the key of the first certificate in TLS_CERT; name two files that belong together"
    )]
    Mismatch,
    /// The TLS library refuses them.
    #[error("TLS_CERT and TLS_KEY cannot be used: {0}")]
    Unusable(String),
}

impl Pair {
    /// What two files in PEM hold, to be served with this version of TLS or a later one.
    pub(super) fn new(certificate: &[u8], key: &[u8], lowest: TlsVersion) -> Result<Self, NoPair> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
        let chain = chain.ok().filter(|it| !it.is_empty());
        let chain = chain.ok_or(NoPair::NoCertificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| NoPair::NoKey)?;
        let versions: &[&SupportedProtocolVersion] = match lowest {
            TlsVersion::Tls12 => ALL_VERSIONS,
            TlsVersion::Tls13 => &[&TLS13],
        };
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(versions)
                .and_then(|it| {
                    it.with_no_client_auth()
                        .with_single_cert(chain.clone(), key)
                })
                .map_err(|error| match error {
                    Error::InconsistentKeys(_) => NoPair::Mismatch,
                    other => NoPair::Unusable(other.to_string()),
                })?;
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Self {
            chain,
            acceptor: Arc::new(config).into(),
        })
    }

    /// A sentence, if a certificate of the chain is no longer valid at this time, or not yet.
    pub(super) fn untimely(&self, at: SystemTime) -> Option<String> {
        let at = UnixTime::since_unix_epoch(at.duration_since(UNIX_EPOCH).unwrap_or_default());
        self.chain.iter().find_map(|it| untimely(it, at))
    }
}

fn untimely(certificate: &CertificateDer<'_>, at: UnixTime) -> Option<String> {
    let certificate = ParsedCertificate::try_from(certificate).ok()?;
    // Nobody is trusted, so this fails in any case: by the dates, which are looked at first, or for want of an issuer.
    let nobody = RootCertStore::empty();
    match verify_server_cert_signed_by_trust_anchor(&certificate, &nobody, &[], at, &[]) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Some(format!(
                "a certificate in TLS_CERT expired on {}; renew it",
                date(not_after)
            ))
        }
        Err(Error::InvalidCertificate(CertificateError::NotValidYetContext {
            not_before, ..
        })) => {
            let from = date(not_before);
            Some(format!(
                "a certificate in TLS_CERT is valid from {from} on; is the clock right?"
            ))
        }
        _ => None,
    }
}

fn date(time: UnixTime) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(time.as_secs()))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};

    use super::*;

    fn pem(label: &str, der: &[u8]) -> String {
        let text = BASE64_STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    }

    fn certificate(key: &KeyPair, first_year: i32, last_year: i32) -> String {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(first_year, 1, 1);
        params.not_after = rcgen::date_time_ymd(last_year, 12, 31);
        params.self_signed(key).unwrap().pem()
    }

    /// PKCS#8 wraps the older form in an octet string, whose tag and two bytes of length end with it.
    fn within_pkcs8(der: &[u8], algorithm: &[u8]) -> Vec<u8> {
        let at = der
            .windows(algorithm.len())
            .position(|it| it == algorithm)
            .unwrap();
        let rest = &der[at + algorithm.len()..];
        let start = rest.iter().position(|it| *it == 0x30).unwrap();
        rest[start..].to_vec()
    }

    #[test]
    fn a_key_may_have_any_of_three_forms() {
        let rsa_encryption = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
        let p256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
        let rsa = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let ec = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        for (key, algorithm, label) in [
            (rsa, &rsa_encryption[..], "RSA PRIVATE KEY"),
            (ec, &p256, "EC PRIVATE KEY"),
        ] {
            let certificate = certificate(&key, 2_000, 2_999);
            let der = key.serialized_der();
            let older = pem(label, &within_pkcs8(der, algorithm));
            for key in [pem("PRIVATE KEY", der), older] {
                let pair = Pair::new(certificate.as_bytes(), key.as_bytes(), TlsVersion::Tls12);
                assert_eq!(pair.err(), None, "{label}");
            }
        }
    }

    #[test]
    fn the_dates_of_the_whole_chain_count() {
        let key = KeyPair::generate().unwrap();
        let (good, old) = (
            certificate(&key, 2_000, 2_999),
            certificate(&key, 2_000, 2_020),
        );
        let chain = [good.as_str(), &old].concat();
        let key = key.serialize_pem();
        let pair = |chain: &str| Pair::new(chain.as_bytes(), key.as_bytes(), TlsVersion::Tls13);
        let year = |year: u64| UNIX_EPOCH + Duration::from_hours(8_766 * (year - 1_970));
        let (good, chain) = (pair(&good).unwrap(), pair(&chain).unwrap());
        assert_eq!(good.untimely(year(2_027)), None);
        let over = chain.untimely(year(2_027)).unwrap();
        assert!(over.contains("expired on Thu, 31 Dec 2020"), "{over}");
        assert_eq!(chain.untimely(year(2_010)), None);
        let early = good.untimely(year(1_990)).unwrap();
        assert!(early.contains("from Sat, 01 Jan 2000"), "{early}");
    }
}
