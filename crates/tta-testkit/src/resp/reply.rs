//! What the server says.

use std::time::Duration;

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// These bytes, which need not be a reply at all.
    Bytes(Vec<u8>),
    /// A value that is announced with one length and sent with another.
    Bulk {
        /// The length in its head.
        announced: u64,
        /// How many bytes really follow, without the line's end.
        sent: u64,
    },
    /// Nothing; the connection stays open.
    Nothing,
    /// The reply, after a while.
    Later(Duration, Box<Reply>),
    /// The connection's end.
    Close,
}

impl Reply {
    /// Any bytes.
    pub fn bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self::Bytes(bytes.as_ref().to_vec())
    }

    /// `OK`.
    pub fn ok() -> Self {
        Self::bytes("+OK\r\n")
    }

    /// Redis's nil.
    pub fn nil() -> Self {
        Self::bytes("$-1\r\n")
    }

    /// A value as it should be.
    pub fn value(value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        let head = format!("${}\r\n", value.len());
        Self::Bytes([head.as_bytes(), value, b"\r\n"].concat())
    }

    /// An error, such as `LOADING Redis is loading the dataset in memory`.
    pub fn error(error: &str) -> Self {
        Self::bytes(format!("-{error}\r\n"))
    }
}
