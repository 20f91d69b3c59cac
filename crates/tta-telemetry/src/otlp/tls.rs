//! TLS to the backend.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, Error, InvalidMessage, RootCertStore, SignatureScheme};

use super::Asked;
use super::http::{TcpConnector, tcp_connector};
use crate::settings::Tls;

/// Connects over TLS, and never without.
pub(super) type TlsConnector = HttpsConnector<TcpConnector>;

/// Which version of HTTP is spoken inside.
#[derive(Clone, Copy, Debug)]
pub(super) enum Version {
    Http1,
    Http2,
}

/// A connector that trusts whom the settings say. The files are read anew each time.
/// `asked` becomes true when a peer wants to know who calls and there is nothing to show.
pub(super) fn connector(
    tls: &Tls,
    version: Version,
    asked: &Asked,
) -> Result<TlsConnector, String> {
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(client_config(tls, asked)?)
        .https_only();
    let tcp = tcp_connector();
    Ok(match version {
        Version::Http1 => builder.enable_http1().wrap_connector(tcp),
        Version::Http2 => builder.enable_http2().wrap_connector(tcp),
    })
}

/// Whether a handshake failed because what came from the peer is no TLS.
pub(super) fn is_in_clear(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut error = error;
    // An error of a socket may be around another, and names neither as its cause.
    while let Some(inner) = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        error = inner;
    }
    let reason = error.downcast_ref::<Error>();
    matches!(
        reason,
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType))
    )
}

fn client_config(tls: &Tls, asked: &Asked) -> Result<ClientConfig, String> {
    // Our own provider, so that nobody's choice for the process is in the way.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|why| format!("TLS cannot be set up: {why}"))?
        .with_root_certificates(roots(tls)?);
    let (Some(certificate), Some(key)) = (&tls.client_certificate, &tls.client_key) else {
        let anonymous = Arc::new(Anonymous(Arc::clone(asked)));
        return Ok(config.with_client_cert_resolver(anonymous));
    };
    let chain = certificates(certificate)?;
    let private = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|why| format!("{key} holds no private key in PEM: {why}"))?;
    config
        .with_client_auth_cert(chain, private)
        .map_err(|why| format!("{certificate} and {key} are no identity: {why}"))
}

/// Has no certificate to show, and remembers that one was wanted.
#[derive(Debug)]
struct Anonymous(Asked);

impl ResolvesClientCert for Anonymous {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Whom to trust: those in the file that is set, or else those that the system trusts.
fn roots(tls: &Tls) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = &tls.certificate {
        for certificate in certificates(path)? {
            roots
                .add(certificate)
                .map_err(|why| format!("{path} holds a certificate that cannot be used: {why}"))?;
        }
        return Ok(roots);
    }
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if roots.is_empty() {
        return Err(
            "the system trusts no certificate authority; install its certificates, or name a \
             file with OTEL_EXPORTER_OTLP_CERTIFICATE"
                .to_owned(),
        );
    }
    Ok(roots)
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = read(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(format!("{path} holds no certificate in PEM")),
        Err(why) => Err(format!("{path} holds no certificate in PEM: {why}")),
    }
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    fs::read(Path::new(path)).map_err(|why| format!("{path} cannot be read: {why}"))
}
