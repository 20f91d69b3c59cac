//! A client that speaks TLS, and tells what became of it.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned};

use crate::certificates::{Authority, Identity};
use crate::scraper::{connect, request};

/// What a client has to show, and whom it believes.
pub(crate) struct Client {
    config: Arc<ClientConfig>,
}

/// What an exchange came to.
#[derive(Debug)]
pub(crate) struct Exchanged {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) version: ProtocolVersion,
    pub(crate) protocol: Option<Vec<u8>>,
    /// The certificate that the server showed.
    pub(crate) certificate: Vec<u8>,
}

impl Client {
    pub(crate) fn new(authority: &Authority, identity: Option<&Identity>) -> Self {
        Self::speaking(authority, identity, rustls::ALL_VERSIONS)
    }

    pub(crate) fn speaking(
        authority: &Authority,
        identity: Option<&Identity>,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Self {
        let mut roots = RootCertStore::empty();
        let pem = authority.pem();
        let root = CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
        roots.add(root).expect("it can be used");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match identity {
            None => config.with_no_client_auth(),
            Some(identity) => config
                .with_client_auth_cert(vec![certificate(&identity.certificate)], key(&identity.key))
                .expect("an identity"),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self {
            config: Arc::new(config),
        }
    }

    pub(crate) fn get(
        &self,
        address: SocketAddr,
        path: &str,
        headers: &str,
    ) -> io::Result<Exchanged> {
        let name = ServerName::from(address.ip());
        let connection =
            ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, connect(address));
        stream.write_all(request("GET", path, headers).as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let shown = stream.conn.peer_certificates().expect("a certificate");
        Ok(Exchanged {
            status: head[9..12].parse().expect("a status"),
            body: body.to_owned(),
            version: stream.conn.protocol_version().expect("a version"),
            protocol: stream.conn.alpn_protocol().map(<[u8]>::to_vec),
            certificate: shown[0].to_vec(),
        })
    }
}

pub(crate) fn certificate(path: &Path) -> CertificateDer<'static> {
    let pem = fs::read(path).expect("it was written");
    CertificateDer::from_pem_slice(&pem).expect("a certificate")
}

fn key(path: &Path) -> PrivateKeyDer<'static> {
    let pem = fs::read(path).expect("it was written");
    PrivateKeyDer::from_pem_slice(&pem).expect("a key")
}
