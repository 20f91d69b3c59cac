//! Finished spans as they wait, and how much room they take.

use std::mem::size_of;

use opentelemetry_sdk::trace::SpanData;
use tta_core::TraceNotes;

use super::trim::{trim_foreign, trim_ours};
use crate::export::Waiting;

/// Finished spans as they came.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a workflow that hands its spans over does not wait for an allocation"
)]
pub(crate) enum Spans {
    /// Of our own steps.
    Ours(TraceNotes),
    /// Of OpenTelemetry or `tracing`.
    Foreign(Box<SpanData>),
}

impl Waiting for Spans {
    fn count(&self) -> usize {
        match self {
            Self::Ours(trace) => trace.span_count(),
            Self::Foreign(_) => 1,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Ours(trace) => trace.bytes(),
            Self::Foreign(span) => {
                let attributes = |list: &[opentelemetry::KeyValue]| -> usize {
                    list.iter().map(key_value_bytes).sum()
                };
                let events: usize = span
                    .events
                    .iter()
                    .map(|event| size_of_val(event) + attributes(&event.attributes))
                    .sum();
                let links: usize = span
                    .links
                    .iter()
                    .map(|link| size_of_val(link) + attributes(&link.attributes))
                    .sum();
                size_of::<SpanData>()
                    + span.name.len()
                    + attributes(&span.attributes)
                    + events
                    + links
            }
        }
    }

    fn trim(&mut self, most: usize) {
        match self {
            Self::Ours(trace) => trim_ours(trace.records(), most),
            Self::Foreign(span) => trim_foreign(span, most),
        }
    }
}

pub(super) fn key_value_bytes(pair: &opentelemetry::KeyValue) -> usize {
    use opentelemetry::{Array, Value};
    let value = match &pair.value {
        Value::String(text) => text.as_str().len(),
        Value::Array(Array::String(texts)) => {
            texts.iter().map(|text| text.as_str().len() + 40).sum()
        }
        Value::Array(Array::Bool(values)) => values.len(),
        Value::Array(Array::I64(values)) => values.len() * 8,
        Value::Array(Array::F64(values)) => values.len() * 8,
        _ => 0,
    };
    size_of::<opentelemetry::KeyValue>() + pair.key.as_str().len() + value
}
