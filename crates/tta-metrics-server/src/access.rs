//! Who may have what.

use hyper::header::HeaderMap;

use crate::BasicAuth;
use crate::event::Listener;
use crate::observer::Endpoint;

/// What the owner asks of clients.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) auth: Option<BasicAuth>,
    pub(crate) needs_certificate: bool,
}

/// Why a client gets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It has not said who it is, or not truly.
    Unknown,
    /// It has shown no certificate.
    NoCertificate,
}

impl Access {
    /// Whether a client may ask for this. What does not exist is treated as what does, so that a
    /// stranger learns nothing.
    pub(crate) fn check(
        &self,
        endpoint: Endpoint,
        headers: &HeaderMap,
        is_identified: bool,
        listener: &Listener,
    ) -> Result<(), Denied> {
        if matches!(endpoint, Endpoint::Live | Endpoint::Ready) {
            return Ok(());
        }
        if self.needs_certificate && !is_identified {
            return Err(Denied::NoCertificate);
        }
        match &self.auth {
            Some(auth) if !auth.admits_request(headers, listener) => Err(Denied::Unknown),
            _ => Ok(()),
        }
    }
}
