//! TLS for those who connect: certificates, and which clients to believe.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::MetricsServerError;
use crate::event::Listener;
use crate::watched::{Watched, read};

/// The files in PEM of which TLS is made. They are read again when they change, at most once a
/// second, so that a renewed certificate is in use without a restart.
///
/// TLS 1.2 and 1.3 are spoken, and HTTP/1.1 inside. Nothing older, and nothing in clear.
///
/// # Examples
///
/// ```no_run
/// # use tta_metrics_server::{Exposition, HealthReport, HealthStatus};
/// # struct App;
/// # impl Exposition for App {
/// #     fn metrics(&self, _: &'static str) -> Vec<u8> { Vec::new() }
/// #     fn health(&self) -> HealthReport { HealthReport::new(HealthStatus::Healthy, "{}") }
/// # }
/// use tta_metrics_server::{MetricsServer, TlsFiles};
///
/// let files = TlsFiles::new("/etc/tls/tls.crt", "/etc/tls/tls.key").with_client_ca("/etc/tls/ca.crt");
/// let server = MetricsServer::new(App).with_tls(files).start()?;
/// # Ok::<(), tta_metrics_server::MetricsServerError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

/// TLS as the files have it now.
pub(crate) struct Tls {
    config: Watched<Arc<ServerConfig>>,
    asks_for_certificate: bool,
}

impl TlsFiles {
    /// The server's certificate with those that vouch for it, and its private key.
    pub fn new(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificate: certificate.into(),
            key: key.into(),
            client_ca: None,
        }
    }

    /// Answers only clients with a certificate that one of those in this file vouches for; to
    /// others the probes, `/health/live` and `/health/ready`, are left. A certificate that nobody
    /// vouches for, or that has expired, ends the handshake.
    pub fn with_client_ca(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_ca = Some(path.into());
        self
    }

    fn load(&self) -> Result<Arc<ServerConfig>, String> {
        // Our own provider, so that nobody's choice for the process is in the way.
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|why| format!("TLS cannot be set up: {why}"))?;
        let config = match &self.client_ca {
            None => config.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(path)? {
                    roots.add(certificate).map_err(|why| {
                        format!(
                            "{} holds a certificate that cannot be used: {why}",
                            path.display()
                        )
                    })?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .allow_unauthenticated()
                        .build()
                        .map_err(|why| format!("{}: {why}", path.display()))?;
                config.with_client_cert_verifier(verifier)
            }
        };
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?)
            .map_err(|why| format!("{} holds no private key in PEM: {why}", self.key.display()))?;
        let mut config = config.with_single_cert(chain, key).map_err(|why| {
            let (certificate, key) = (self.certificate.display(), self.key.display());
            format!("{certificate} and {key} are no identity: {why}")
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl Tls {
    pub(crate) fn new(files: TlsFiles) -> Result<Self, MetricsServerError> {
        let asks_for_certificate = files.client_ca.is_some();
        let mut paths = vec![files.certificate.clone(), files.key.clone()];
        paths.extend(files.client_ca.clone());
        let config = Watched::new("the metrics server's certificate", paths, move || {
            files.load()
        })
        .map_err(|reason| MetricsServerError::Tls { reason })?;
        Ok(Self {
            config,
            asks_for_certificate,
        })
    }

    pub(crate) fn config(&self, listener: &Listener) -> Arc<ServerConfig> {
        Arc::clone(&self.config.current(listener))
    }

    pub(crate) fn asks_for_certificate(&self) -> bool {
        self.asks_for_certificate
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("asks_for_certificate", &self.asks_for_certificate)
            .finish_non_exhaustive()
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = read(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(format!("{} holds no certificate in PEM", path.display())),
        Err(why) => Err(format!(
            "{} holds no certificate in PEM: {why}",
            path.display()
        )),
    }
}
