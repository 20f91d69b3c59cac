//! What came of an attempt to export.

use std::fmt;
use std::time::Duration;

/// What the backend made of a batch that it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// How many records of it the backend refused.
    pub rejected: u64,
    /// Why, if it said.
    pub message: String,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportError {
    /// There was no answer: no connection, or it broke, or time was up.
    Unreachable {
        /// What happened.
        message: String,
    },
    /// The backend asks to try again later.
    TryLater {
        /// What it said.
        message: String,
        /// When, if it said.
        after: Option<Duration>,
    },
    /// The backend will never take this batch.
    Rejected {
        /// What it said.
        message: String,
    },
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { message } => write!(f, "reach the backend: {message}"),
            Self::TryLater { message, .. } => write!(f, "be served by the backend: {message}"),
            Self::Rejected { message } => write!(f, "be accepted by the backend: {message}"),
        }
    }
}

impl std::error::Error for ExportError {}
