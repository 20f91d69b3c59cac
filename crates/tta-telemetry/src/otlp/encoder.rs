//! Traces as requests of OTLP, for who carries them himself.

use std::fmt;
use std::sync::Arc;

use opentelemetry_proto::tonic::resource::v1::Resource;
use tta_core::{ContentCapture, TraceNotes};

use super::common::resource;
use super::{WrittenSpan, encode_written};
use crate::redaction::{Place, RedactionPolicy, Redactor};
use crate::traces::limits;

/// Encodes traces as OTLP export requests in protobuf, for a transport of your own: a file, a queue.
///
/// What the exporter sends is made in the same way: with the limits of spans that hold in the
/// process, and without what must not leave it.
///
/// # Examples
///
/// ```
/// use tta_telemetry::{RedactionPolicy, TraceEncoder};
///
/// let resource = [("service.name".to_owned(), "shop".to_owned())];
/// let encoder = TraceEncoder::new(&resource, RedactionPolicy::new());
/// let request: Vec<u8> = encoder.encode([]);
/// assert!(!request.is_empty(), "a request without spans still says whose it is");
/// ```
///
/// # Source
///
/// [OpenTelemetry protocol](https://opentelemetry.io/docs/specs/otlp/).
pub struct TraceEncoder {
    resource: Resource,
    redactor: Arc<Redactor>,
}

impl TraceEncoder {
    /// An encoder for the spans of this process.
    pub fn new(attributes: &[(String, String)], redaction: RedactionPolicy) -> Self {
        let redactor = Redactor::new(redaction, ContentCapture::default());
        let shown = attributes.iter().map(|(key, value)| {
            let clean = redactor.text(Place::Resource, key, value).text();
            (key.clone(), clean.unwrap_or_else(|| value.clone()))
        });
        let shown: Vec<_> = shown.collect();
        Self {
            resource: resource(&shown),
            redactor,
        }
    }

    /// One request with all these traces, however long it gets: receivers take 4 MiB as a rule.
    pub fn encode(&self, traces: impl IntoIterator<Item = TraceNotes>) -> Vec<u8> {
        let limits = limits::present();
        let mut spans = Vec::new();
        for trace in traces {
            WrittenSpan::of_records(&trace.into_records(), &limits, &self.redactor, &mut spans);
        }
        encode_written(&spans, &self.resource)
    }
}

impl fmt::Debug for TraceEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceEncoder").finish_non_exhaustive()
    }
}
