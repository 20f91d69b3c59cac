//! Spans as they go out: already in the bytes of OTLP.

use opentelemetry::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_sdk::trace::SpanData;
use tta_core::TraceRecords;

use super::records::write_records;
use super::request::request;
use super::spans::write_span;
use super::wire::Wire;
use crate::redaction::Redactor;
use crate::settings::SpanLimits;
use crate::traces::OWN_SCOPE;

/// A span in the bytes of OTLP, and the library that made it.
///
/// It is written once, however often it is sent, and its size is known to the byte.
#[derive(Debug)]
pub(crate) struct WrittenSpan {
    bytes: Box<[u8]>,
    /// None for our own.
    scope: Option<Box<InstrumentationScope>>,
}

impl WrittenSpan {
    /// Appends the spans of a trace of ours, within the limits and without what must not leave the
    /// process.
    pub(crate) fn of_records(
        trace: &TraceRecords,
        limits: &SpanLimits,
        redactor: &Redactor,
        into: &mut Vec<Self>,
    ) {
        let mut wire = Wire::with_capacity(TYPICAL_SPAN);
        write_records(&mut wire, trace, limits, redactor, |wire| {
            into.push(Self {
                bytes: wire.take(),
                scope: None,
            });
        });
    }

    /// A span that is ready to go out.
    pub(crate) fn of_data(span: SpanData) -> Self {
        let mut wire = Wire::with_capacity(TYPICAL_SPAN);
        write_span(&mut wire, &span);
        let scope = span.instrumentation_scope;
        Self {
            bytes: wire.take(),
            scope: (scope != *OWN_SCOPE).then(|| Box::new(scope)),
        }
    }

    /// How many bytes it takes in a request, without what is said of its library.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// The request that carries these spans, grouped by the library that made them.
pub(crate) fn encode_written(batch: &[WrittenSpan], resource: &Resource) -> Vec<u8> {
    let bytes: usize = batch.iter().map(WrittenSpan::size).sum();
    let spans = batch.iter().map(|span| {
        let scope = span.scope.as_deref().unwrap_or(&OWN_SCOPE);
        (scope, span)
    });
    request(resource, bytes + AROUND, spans, |wire, span| {
        wire.raw(&span.bytes);
    })
}

const TYPICAL_SPAN: usize = 1_024;
/// What is said of the process and of the libraries takes about so much.
const AROUND: usize = 1_024;
