//! Where batches of spans go.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use opentelemetry_sdk::trace::SpanData;

/// Where batches of spans go. Ours speaks OTLP; tests bring their own.
///
/// It is called on the telemetry worker's thread only, one batch at a time. One that panics costs
/// that batch.
pub trait SpanSink: Send + Sync + 'static {
    /// The value of the label `protocol`.
    fn protocol(&self) -> &'static str;

    /// Sends a batch once; whether and when to try again is the worker's to decide.
    ///
    /// # Cancellation
    ///
    /// The future is dropped when the attempt has taken too long.
    fn export<'a>(&'a self, batch: &'a [SpanData]) -> Exporting<'a>;
}

/// An attempt that is under way.
pub type Exporting<'a> = Pin<Box<dyn Future<Output = Result<Exported, ExportError>> + Send + 'a>>;

/// What the backend made of a batch that it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// How many spans of it the backend refused.
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
