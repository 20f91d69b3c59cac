//! Who may ask: a name and a password, as RFC 7617 has them.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use crate::MetricsServerError;
use crate::event::Listener;
use crate::watched::{Watched, read};

/// Those who may ask for what the server serves.
///
/// A password is kept as the SHA-256 of what a client sends for it, and compared in constant time:
/// neither how much of a guess is right, nor whether there is such a user, shows in how long a
/// refusal takes. It is meant for long random secrets of machines. Hashes that are slow on purpose,
/// such as bcrypt, are not offered: each scrape, and each guess of a stranger, would cost a processor
/// 50 ms and more.
///
/// # Examples
///
/// ```
/// use tta_metrics_server::BasicAuth;
///
/// let auth = BasicAuth::new("prometheus", "a-long-random-secret")?.with_user("ops", "another")?;
/// assert!(auth.admits("Basic b3BzOmFub3RoZXI="));
/// assert!(!auth.admits("Basic b3BzOmE="));
/// assert_eq!(format!("{auth:?}"), r#"BasicAuth { users: ["prometheus", "ops"], .. }"#);
/// # Ok::<(), tta_metrics_server::MetricsServerError>(())
/// ```
///
/// # Source
///
/// [RFC 7617](https://www.rfc-editor.org/rfc/rfc7617).
#[derive(Clone)]
#[must_use]
pub struct BasicAuth {
    users: Vec<User>,
}

#[derive(Clone)]
struct User {
    name: String,
    secret: Secret,
}

#[derive(Clone)]
enum Secret {
    Fixed(Fingerprint),
    File(Arc<Watched<Fingerprint>>),
}

/// The hash of what a client sends.
type Fingerprint = [u8; 32];

impl BasicAuth {
    /// One user.
    ///
    /// # Errors
    ///
    /// [`MetricsServerError::Credentials`] if the name or the password is empty or holds a control
    /// character, or the name a colon, which no client could send.
    pub fn new(
        name: impl Into<String>,
        password: impl AsRef<str>,
    ) -> Result<Self, MetricsServerError> {
        Self { users: Vec::new() }.with_user(name, password)
    }

    /// One user whose password is the text of this file, but for line ends after it. The file is
    /// read again when it changes, at most once a second; a password that has become unreadable or
    /// empty leaves the former one in force and is told to the
    /// [event listener](crate::MetricsServer::with_event_listener).
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), and if the file cannot be read.
    pub fn from_password_file(
        name: impl Into<String>,
        path: impl Into<PathBuf>,
    ) -> Result<Self, MetricsServerError> {
        let (name, path) = (checked_name(name.into())?, path.into());
        let load = {
            let (name, path) = (name.clone(), path.clone());
            move || {
                let text = read(&path)?;
                let password = String::from_utf8_lossy(&text);
                let password = password.trim_end_matches(['\r', '\n']);
                check_password(password).map_err(|why| format!("{}: {why}", path.display()))?;
                Ok(fingerprint_of(&name, password))
            }
        };
        let watched = Watched::new("the metrics server's password", vec![path], load)
            .map_err(|reason| MetricsServerError::Credentials { reason })?;
        let secret = Secret::File(Arc::new(watched));
        Ok(Self {
            users: vec![User { name, secret }],
        })
    }

    /// One user more.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn with_user(
        mut self,
        name: impl Into<String>,
        password: impl AsRef<str>,
    ) -> Result<Self, MetricsServerError> {
        let (name, password) = (checked_name(name.into())?, password.as_ref());
        check_password(password).map_err(|reason| MetricsServerError::Credentials { reason })?;
        let secret = Secret::Fixed(fingerprint_of(&name, password));
        self.users.push(User { name, secret });
        Ok(self)
    }

    /// Whether an `Authorization` header of this value is one of theirs.
    pub fn admits(&self, authorization: impl AsRef<[u8]>) -> bool {
        self.recognizes(authorization.as_ref(), &Listener::default())
    }

    /// Whether a request with these headers is one of theirs.
    pub(crate) fn admits_request(&self, headers: &HeaderMap, listener: &Listener) -> bool {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => self.recognizes(value.as_bytes(), listener),
            // Of two, a proxy in front may have checked the other one.
            _ => false,
        }
    }

    fn recognizes(&self, authorization: &[u8], listener: &Listener) -> bool {
        let Some(token) = token(authorization) else {
            return false;
        };
        let given = fingerprint(token);
        let known = self.users.iter().map(|user| match &user.secret {
            Secret::Fixed(fingerprint) => *fingerprint,
            Secret::File(watched) => *watched.current(listener),
        });
        // All are compared, whichever is found.
        let any = known.fold(Choice::from(0), |any, known| any | known.ct_eq(&given));
        any.into()
    }
}

impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.users.iter().map(|user| &user.name).collect();
        f.debug_struct("BasicAuth")
            .field("users", &names)
            .finish_non_exhaustive()
    }
}

/// What follows the word `Basic`. There is one right way to write a name and a password in base64,
/// so what a client sends is never decoded.
fn token(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = authorization.split_at_checked(SCHEME.len())?;
    let token = rest.trim_ascii();
    let is_apart = rest.first() == Some(&b' ');
    (scheme.eq_ignore_ascii_case(SCHEME) && is_apart && !token.is_empty()).then_some(token)
}

fn fingerprint_of(name: &str, password: &str) -> Fingerprint {
    fingerprint(STANDARD.encode(format!("{name}:{password}")).as_bytes())
}

fn fingerprint(token: &[u8]) -> Fingerprint {
    Sha256::digest(token).into()
}

fn checked_name(name: String) -> Result<String, MetricsServerError> {
    if name.is_empty() || name.contains(|letter: char| letter == ':' || letter.is_control()) {
        let reason = "a user's name must not be empty, nor hold a colon or a control character";
        return Err(MetricsServerError::Credentials {
            reason: reason.to_owned(),
        });
    }
    Ok(name)
}

fn check_password(password: &str) -> Result<(), String> {
    if password.is_empty() || password.contains(char::is_control) {
        return Err("a password must not be empty, nor hold a control character".to_owned());
    }
    Ok(())
}

const SCHEME: &[u8] = b"Basic";
