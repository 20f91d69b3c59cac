//! Finished spans as they wait, and how much room they take.

use std::borrow::Cow;
use std::mem::size_of;

use opentelemetry_sdk::trace::SpanData;
use tta_core::{
    Attribute, EventRecord, Parent, SpanId, SpanName, SpanRecord, SpanStatus, TraceRecords, Value,
};

use super::trim::{trim_foreign, trim_ours};
use crate::export::Waiting;

/// Finished spans as they came.
#[derive(Debug)]
pub(crate) enum Spans {
    /// Of our own steps.
    Ours(TraceRecords),
    /// Of OpenTelemetry or `tracing`.
    Foreign(Box<SpanData>),
}

impl Waiting for Spans {
    fn count(&self) -> usize {
        match self {
            Self::Ours(trace) => trace.spans.len(),
            Self::Foreign(_) => 1,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Ours(trace) => {
                let spans: usize = trace.spans.iter().map(span_bytes).sum();
                let attributes: usize = trace
                    .attributes
                    .iter()
                    .map(|(_, attribute)| attribute_bytes(attribute))
                    .sum();
                let events: usize = trace.events.iter().map(event_bytes).sum();
                let links: usize = trace.links.iter().map(link_bytes).sum();
                size_of::<TraceRecords>() + spans + attributes + events + links
            }
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
            Self::Ours(trace) => trim_ours(trace, most),
            Self::Foreign(span) => trim_foreign(span, most),
        }
    }
}

pub(super) fn span_bytes(span: &SpanRecord) -> usize {
    let description = match &span.status {
        SpanStatus::Error { description, .. } => description.len(),
        _ => 0,
    };
    let name = match &span.name {
        SpanName::Edge { name, .. } => name.len(),
        _ => 0,
    };
    size_of::<SpanRecord>() + name + description
}

pub(super) fn attribute_bytes(attribute: &Attribute) -> usize {
    let key = match &attribute.key {
        Cow::Owned(key) => key.len(),
        Cow::Borrowed(_) => 0,
    };
    let text = match &attribute.value {
        Value::Str(text) => text.len(),
        _ => 0,
    };
    size_of::<(SpanId, Attribute)>() + key + text
}

pub(super) fn link_bytes(link: &(SpanId, Parent)) -> usize {
    let state = link.1.trace_state.as_deref();
    size_of_val(link) + state.map_or(0, str::len)
}

pub(super) fn event_bytes(event: &EventRecord) -> usize {
    let attributes: usize = event.attributes.iter().map(attribute_bytes).sum();
    size_of::<EventRecord>() + attributes
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
