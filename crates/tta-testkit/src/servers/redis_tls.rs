//! Certificates for a server of one test.

use std::fs;
use std::io;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// An authority of its own and the server's certificate by it, for `localhost` and `127.0.0.1`.
#[derive(Debug)]
pub(super) struct Certificates {
    authority: String,
    certificate: String,
    key: String,
}

impl Certificates {
    pub(super) fn make() -> Result<Self, rcgen::Error> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
        Ok(Self {
            authority: authority.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// The authority's certificate.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Writes what the server reads, and answers the arguments that name it.
    pub(super) fn write(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut args = Vec::new();
        for (option, file, text) in [
            ("--tls-ca-cert-file", "authority.pem", &self.authority),
            ("--tls-cert-file", "certificate.pem", &self.certificate),
            ("--tls-key-file", "key.pem", &self.key),
        ] {
            let path = folder.join(file);
            fs::write(&path, text)?;
            args.extend([option.to_owned(), path.to_string_lossy().into_owned()]);
        }
        args.extend(["--tls-auth-clients", "no"].map(str::to_owned));
        Ok(args)
    }
}
