//! The settings of who may see `/metrics` and `/health`.

use super::spec::SettingSpec;

pub(crate) const USERNAME: SettingSpec = SettingSpec::new(
    &["TTA_METRICS_USERNAME"],
    "none: everybody who reaches the port may see /metrics and /health",
    "with_prometheus_basic_auth",
    "The name that clients must give, with a password.",
);
pub(crate) const PASSWORD: SettingSpec = SettingSpec::new(
    &["TTA_METRICS_PASSWORD"],
    "none",
    "with_prometheus_basic_auth",
    "The password to that name: a long random secret. Never shown.",
)
.secret();
pub(crate) const PASSWORD_FILE: SettingSpec = SettingSpec::new(
    &["TTA_METRICS_PASSWORD_FILE"],
    "none",
    "with_prometheus_password_file",
    "A file that holds the password instead; read again when it changes.",
);
pub(crate) const CERTIFICATE: SettingSpec = SettingSpec::new(
    &["TTA_METRICS_CERTIFICATE"],
    "none: HTTP in clear",
    "with_prometheus_tls",
    "A file in PEM with the certificate under which /metrics and /health are served over TLS; read \
     again when it changes.",
);
pub(crate) const KEY: SettingSpec = SettingSpec::new(
    &["TTA_METRICS_KEY"],
    "none",
    "with_prometheus_tls",
    "A file in PEM with the private key to that certificate.",
);
pub(crate) const CLIENT_CA: SettingSpec = SettingSpec::new(
    &["TTA_METRICS_CLIENT_CA"],
    "none: no certificate is asked for",
    "with_prometheus_client_ca",
    "A file in PEM with the certificates of those who vouch for clients; others see the probes alone.",
);
