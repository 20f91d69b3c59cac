//! Where batches of spans go.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use opentelemetry_sdk::trace::SpanData;

use crate::export::{ExportError, Exported, Sending, Sink};

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

impl Sink<SpanData> for Arc<dyn SpanSink> {
    fn send<'a>(&'a self, batch: &'a [SpanData]) -> Sending<'a> {
        self.export(batch)
    }
}
