//! Certificates for servers and clients of one test, as files in PEM.
//!
//! ```
//! use tta_testkit::certificates::Authority;
//!
//! let authority = Authority::new()?;
//! let server = authority.issue(&["localhost", "127.0.0.1"])?;
//! assert!(std::fs::read_to_string(server.certificate_file())?.contains("BEGIN CERTIFICATE"));
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// An authority of one test, trusted by nobody who is not told to.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: Arc<TempDir>,
    issued: AtomicUsize,
}

/// A certificate and its private key, whose files live as long as it or its [`Authority`].
#[derive(Debug, Clone)]
pub struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    _folder: Arc<TempDir>,
}

impl Authority {
    /// Makes one, with a folder of its own.
    ///
    /// # Errors
    ///
    /// When the machine has no room for its files.
    pub fn new() -> io::Result<Self> {
        let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "authority of a test");
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        let folder = Arc::new(tempfile::tempdir()?);
        fs::write(folder.path().join(AUTHORITY), issuer.pem())?;
        Ok(Self {
            issuer,
            folder,
            issued: AtomicUsize::new(0),
        })
    }

    /// The file with its certificate.
    pub fn certificate_file(&self) -> PathBuf {
        self.folder.path().join(AUTHORITY)
    }

    /// A certificate for these names and addresses.
    ///
    /// # Errors
    ///
    /// When a name is none, or the machine has no room for the files.
    pub fn issue(&self, names: &[&str]) -> io::Result<Identity> {
        self.sign(names, false)
    }

    /// A certificate for these names and addresses that was valid until the year 2001.
    ///
    /// # Errors
    ///
    /// As for [`issue`](Self::issue).
    pub fn issue_expired(&self, names: &[&str]) -> io::Result<Identity> {
        self.sign(names, true)
    }

    fn sign(&self, names: &[&str], has_expired: bool) -> io::Result<Identity> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        if has_expired {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(io::Error::other)?;
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let file = |what: &str| self.folder.path().join(format!("{number}-{what}.pem"));
        let identity = Identity {
            certificate: file("certificate"),
            key: file("key"),
            _folder: Arc::clone(&self.folder),
        };
        fs::write(&identity.certificate, certificate.pem())?;
        fs::write(&identity.key, key.serialize_pem())?;
        Ok(identity)
    }
}

impl Identity {
    /// The file with the certificate.
    pub fn certificate_file(&self) -> &Path {
        &self.certificate
    }

    /// The file with the private key.
    pub fn key_file(&self) -> &Path {
        &self.key
    }

    /// What a server with this certificate needs, which speaks `protocol` inside TLS and, where
    /// `clients` is given, serves only clients whom that authority vouches for.
    pub(crate) fn server_config(
        &self,
        protocol: &str,
        clients: Option<&Authority>,
    ) -> io::Result<ServerConfig> {
        let certificate =
            CertificateDer::from_pem_file(&self.certificate).map_err(io::Error::other)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(io::Error::other)?;
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let config = match clients {
            None => config.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                let root = CertificateDer::from_pem_file(authority.certificate_file());
                roots
                    .add(root.map_err(io::Error::other)?)
                    .map_err(io::Error::other)?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()
                        .map_err(io::Error::other)?;
                config.with_client_cert_verifier(verifier)
            }
        };
        let mut config = config
            .with_single_cert(vec![certificate], key)
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Ok(config)
    }
}

const AUTHORITY: &str = "authority.pem";
