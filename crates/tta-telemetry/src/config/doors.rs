//! Who may see `/metrics` and `/health`, and what the application says of itself.

use std::sync::Arc;

use super::ObservabilityConfig;
use crate::settings::Password;

impl ObservabilityConfig {
    /// Shows `/metrics` and `/health` only to those who give this name and password, a long random
    /// secret. The probes `/health/live` and `/health/ready` ask for none.
    ///
    /// A door that cannot be locked as it is told stays shut: then nothing is served, and the
    /// status says why.
    pub fn with_prometheus_basic_auth(
        mut self,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        self.code.doors.username = Some(username.into());
        self.code.doors.password = Some(Password::new(password));
        self
    }

    /// As [`with_prometheus_basic_auth`](Self::with_prometheus_basic_auth), with a password that is
    /// in a file, and is read again when the file changes.
    pub fn with_prometheus_password_file(
        mut self,
        username: impl Into<String>,
        path: impl Into<String>,
    ) -> Self {
        self.code.doors.username = Some(username.into());
        self.code.doors.password_file = Some(path.into());
        self
    }

    /// Serves them over TLS alone, with the certificate and the private key of these files in PEM,
    /// which are read again when they change.
    pub fn with_prometheus_tls(
        mut self,
        certificate: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        self.code.doors.certificate = Some(certificate.into());
        self.code.doors.key = Some(key.into());
        self
    }

    /// Shows them only to clients with a certificate that one of those in this file in PEM vouches
    /// for; the probes are for everybody.
    pub fn with_prometheus_client_ca(mut self, path: impl Into<String>) -> Self {
        self.code.doors.client_ca = Some(path.into());
        self
    }

    /// Asked by `/health/ready` whether the application can take work now: while it says no, or
    /// panics, the answer is a 503 or a 500. Without it the application is ready from the end of
    /// its initialisation to the begin of its shutdown.
    pub fn with_readiness(mut self, is_ready: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.readiness = Some(Arc::new(is_ready));
        self
    }
}
