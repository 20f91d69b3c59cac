//! Why a server did not start.

use std::fmt;
use std::io;
use std::net::SocketAddr;

/// Why the server did not start. Each message says what to do.
///
/// # Examples
///
/// ```
/// use tta_metrics_server::MetricsServerError;
///
/// let error = MetricsServerError::AddressInUse { address: ([127, 0, 0, 1], 9464).into() };
/// assert!(error.to_string().starts_with("listen on 127.0.0.1:9464: the port is taken"));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum MetricsServerError {
    /// Another socket listens there already.
    AddressInUse {
        /// The address that is taken.
        address: SocketAddr,
    },
    /// The host name has no address.
    UnknownHost {
        /// The name as it was given.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The operating system refused the address for another reason.
    Bind {
        /// The address that was refused.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// A limit is zero or beyond what a server can keep.
    InvalidLimit {
        /// The method that set it.
        limit: &'static str,
    },
    /// A user's name or password cannot be used.
    Credentials {
        /// Why; without the password.
        reason: String,
    },
    /// TLS cannot be spoken with the files as they are.
    Tls {
        /// Why; nothing of what is in them.
        reason: String,
    },
    /// The server's threads or its event loop could not be started.
    Thread {
        /// What the operating system said.
        source: io::Error,
    },
}

impl fmt::Display for MetricsServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressInUse { address } => write!(
                f,
                "listen on {address}: the port is taken; stop the program that holds it, \
                 or choose another port (0 takes any that is free)"
            ),
            Self::UnknownHost { host, .. } => write!(
                f,
                "find the address of host {host:?}; give an address of this machine, \
                 such as localhost, 127.0.0.1 or 0.0.0.0"
            ),
            Self::Bind { address, source } if source.kind() == io::ErrorKind::PermissionDenied => {
                write!(
                    f,
                    "listen on {address}: not permitted; choose a port above 1023, \
                     or run with the privilege to bind low ports"
                )
            }
            Self::Bind { address, .. } => {
                write!(f, "listen on {address}; give an address of this machine")
            }
            Self::InvalidLimit { limit } => {
                write!(
                    f,
                    "start with {limit}: it must be more than zero and at most an hour, or 65536 connections"
                )
            }
            Self::Credentials { reason } => write!(f, "ask clients who they are: {reason}"),
            Self::Tls { reason } => write!(f, "speak TLS: {reason}"),
            Self::Thread { .. } => f.write_str(
                "start the server's threads; raise the limit on processes or file descriptors",
            ),
        }
    }
}

impl std::error::Error for MetricsServerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::UnknownHost { source, .. }
            | Self::Bind { source, .. }
            | Self::Thread { source } => Some(source),
            Self::AddressInUse { .. }
            | Self::InvalidLimit { .. }
            | Self::Credentials { .. }
            | Self::Tls { .. } => None,
        }
    }
}
