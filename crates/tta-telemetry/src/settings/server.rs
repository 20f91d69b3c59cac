//! Who may see `/metrics` and `/health`.

use std::fmt;

use super::parse;
use super::pick::Picker;
use super::server_spec::{CERTIFICATE, CLIENT_CA, KEY, PASSWORD, PASSWORD_FILE, USERNAME};
use super::spec::SettingSpec;

/// What the program set, or what holds in the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doors {
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Password>,
    pub(crate) password_file: Option<String>,
    pub(crate) certificate: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) client_ca: Option<String>,
}

/// A password. Whoever prints it sees `***`.
#[derive(Clone)]
pub(crate) struct Password(String);

impl Password {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the server alone.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Doors {
    /// What does not fit together. A door that cannot be locked as was asked for stays shut.
    pub(crate) fn contradiction(&self) -> Option<&'static str> {
        let passwords = [self.password.is_some(), self.password_file.is_some()];
        let passwords = passwords.into_iter().filter(|is_set| *is_set).count();
        match (self.username.is_some(), passwords) {
            (true, 0) => {
                return Some(
                    "TTA_METRICS_USERNAME needs TTA_METRICS_PASSWORD or TTA_METRICS_PASSWORD_FILE",
                );
            }
            (false, 1..) => return Some("the password needs TTA_METRICS_USERNAME"),
            (_, 2..) => {
                return Some("set TTA_METRICS_PASSWORD or TTA_METRICS_PASSWORD_FILE, not both");
            }
            _ => {}
        }
        if self.certificate.is_some() != self.key.is_some() {
            return Some("TTA_METRICS_CERTIFICATE and TTA_METRICS_KEY belong together");
        }
        if self.client_ca.is_some() && self.certificate.is_none() {
            return Some("TTA_METRICS_CLIENT_CA needs TTA_METRICS_CERTIFICATE and TTA_METRICS_KEY");
        }
        None
    }
}

impl Picker<'_> {
    pub(super) fn doors(&mut self, code: &Doors) -> Doors {
        let mut text = |spec: &SettingSpec, code: &Option<String>| {
            self.pick_shown(
                spec,
                code.clone().map(Some),
                |text| parse::text(text).map(Some),
                || None,
                |value| value.clone().unwrap_or_else(|| "none".to_owned()),
            )
        };
        let username = text(&USERNAME, &code.username);
        let password_file = text(&PASSWORD_FILE, &code.password_file);
        let certificate = text(&CERTIFICATE, &code.certificate);
        let key = text(&KEY, &code.key);
        let client_ca = text(&CLIENT_CA, &code.client_ca);
        let password = self.pick_shown(
            &PASSWORD,
            code.password.clone().map(Some),
            |text| Ok(Some(Password::new(text))),
            || None,
            |password| if password.is_some() { "***" } else { "none" }.to_owned(),
        );
        Doors {
            username,
            password,
            password_file,
            certificate,
            key,
            client_ca,
        }
    }
}
