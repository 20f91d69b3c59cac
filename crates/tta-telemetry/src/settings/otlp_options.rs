//! What the program sets for OTLP.

use std::fmt;
use std::time::Duration;

use tta_core::Secret;

use super::{Compression, Protocol};

/// Where one signal goes over OTLP, and how, where it differs from what holds for all.
///
/// # Examples
///
/// ```no_run
/// use tta_telemetry::{ObservabilityConfig, OtlpOptions, Protocol};
///
/// let traces = OtlpOptions::new()
///     .with_endpoint("https://cloud.langfuse.com/api/public/otel/v1/traces")
///     .with_protocol(Protocol::HttpProtobuf)
///     .with_header("Authorization", "Basic …");
/// let guard = ObservabilityConfig::from_env("my-app")
///     .with_otlp_endpoint("http://localhost:4317")
///     .with_otlp_traces(traces)
///     .init();
/// # drop(guard);
/// ```
#[derive(Clone, Default)]
#[must_use = "it is to be given to a configuration"]
pub struct OtlpOptions {
    pub(crate) endpoint: Option<String>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) headers: Vec<(String, Secret)>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) compression: Option<Compression>,
    pub(crate) insecure: Option<bool>,
    pub(crate) certificate: Option<String>,
    pub(crate) client_certificate: Option<String>,
    pub(crate) client_key: Option<String>,
}

impl OtlpOptions {
    /// Nothing that differs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where it goes. Over HTTP the path is used as it is.
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// How OTLP is spoken; by the endpoint's port by default.
    pub fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// A header of each export, such as a token. Its value is shown nowhere.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How long one attempt to export may take.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How what is exported is compressed; not at all by default.
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// Whether an endpoint that is given without a scheme is spoken to without TLS.
    pub fn with_insecure(mut self, insecure: bool) -> Self {
        self.insecure = Some(insecure);
        self
    }

    /// A file in PEM with the certificates of whom to trust, instead of whom the system trusts.
    pub fn with_certificate(mut self, path: impl Into<String>) -> Self {
        self.certificate = Some(path.into());
        self
    }

    /// Files in PEM with the client's certificate and its private key, for backends that ask who
    /// calls.
    pub fn with_client_certificate(
        mut self,
        certificate: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        self.client_certificate = Some(certificate.into());
        self.client_key = Some(key.into());
        self
    }
}

impl fmt::Debug for OtlpOptions {
    /// Headers may be secret, and are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpOptions")
            .field("endpoint", &self.endpoint)
            .field("protocol", &self.protocol)
            .field("timeout", &self.timeout)
            .field("compression", &self.compression)
            .finish_non_exhaustive()
    }
}
