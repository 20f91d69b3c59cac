//! From OpenTelemetry's spans to the bytes of OTLP, without messages in between.
//!
//! The numbers of the fields are those of `opentelemetry-proto`, with whose messages the tests compare
//! each byte.

use opentelemetry::trace::{Event, Link, SpanContext, SpanId, SpanKind, Status, TraceState};
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{SpanFlags, span, status};
use opentelemetry_sdk::trace::SpanData;

use super::common::unix_nanos;
use super::numbers::{STATUS_CODE, STATUS_MESSAGE, events, fields, links, scope_spans};
use super::pairs::{Element, Plain, pair, pair_of_array};
use super::request::request;
use super::wire::{Field, Length, Wire};

/// The request that carries these spans, grouped by the library that made them.
pub(crate) fn encode_spans(batch: &[SpanData], resource: &Resource) -> Vec<u8> {
    let spans = batch.iter().map(|span| (&span.instrumentation_scope, span));
    let capacity = batch.len() * TYPICAL_SPAN;
    request(resource, capacity, spans, |wire, span| {
        write_span(wire, span);
    })
}

/// Writes a span as a field of those of its scope.
pub(super) fn write_span(wire: &mut Wire, span: &SpanData) {
    wire.message(scope_spans::SPANS, Length::Medium, |wire| one(wire, span));
}

fn one(wire: &mut Wire, span: &SpanData) {
    let context = &span.span_context;
    wire.bytes(fields::TRACE_ID, &context.trace_id().to_bytes());
    wire.bytes(fields::SPAN_ID, &context.span_id().to_bytes());
    trace_state(wire, fields::TRACE_STATE, context);
    if span.parent_span_id != SpanId::INVALID {
        wire.bytes(fields::PARENT_SPAN_ID, &span.parent_span_id.to_bytes());
    }
    wire.text(fields::NAME, &span.name);
    wire.number(fields::KIND, kind(&span.span_kind));
    wire.fixed64(fields::START, unix_nanos(span.start_time));
    wire.fixed64(fields::END, unix_nanos(span.end_time));
    attributes(wire, fields::ATTRIBUTES, &span.attributes);
    let dropped = u64::from(span.dropped_attributes_count);
    wire.number(fields::DROPPED_ATTRIBUTES, dropped);
    for own in span.events.iter() {
        wire.message(fields::EVENTS, Length::Short, |wire| event(wire, own));
    }
    let dropped = u64::from(span.events.dropped_count);
    wire.number(fields::DROPPED_EVENTS, dropped);
    for own in span.links.iter() {
        wire.message(fields::LINKS, Length::Short, |wire| link(wire, own));
    }
    let dropped = u64::from(span.links.dropped_count);
    wire.number(fields::DROPPED_LINKS, dropped);
    wire.message(fields::STATUS, Length::Short, |wire| {
        let code = match &span.status {
            Status::Unset => status::StatusCode::Unset,
            Status::Ok => status::StatusCode::Ok,
            Status::Error { description } => {
                wire.text(STATUS_MESSAGE, description);
                status::StatusCode::Error
            }
        };
        wire.number(STATUS_CODE, code as u64);
    });
    let flags = flags(context.trace_flags().to_u8(), span.parent_span_is_remote);
    wire.fixed32(fields::FLAGS, flags);
}

fn event(wire: &mut Wire, event: &Event) {
    wire.fixed64(events::TIME, unix_nanos(event.timestamp));
    wire.text(events::NAME, &event.name);
    attributes(wire, events::ATTRIBUTES, &event.attributes);
    let dropped = u64::from(event.dropped_attributes_count);
    wire.number(events::DROPPED_ATTRIBUTES, dropped);
}

fn link(wire: &mut Wire, link: &Link) {
    let context = &link.span_context;
    wire.bytes_always(links::TRACE_ID, &context.trace_id().to_bytes());
    wire.bytes_always(links::SPAN_ID, &context.span_id().to_bytes());
    trace_state(wire, links::TRACE_STATE, context);
    attributes(wire, links::ATTRIBUTES, &link.attributes);
    let dropped = u64::from(link.dropped_attributes_count);
    wire.number(links::DROPPED_ATTRIBUTES, dropped);
    let flags = flags(context.trace_flags().to_u8(), context.is_remote());
    wire.fixed32(links::FLAGS, flags);
}

fn trace_state(wire: &mut Wire, field: Field, context: &SpanContext) {
    let state = context.trace_state();
    if *state != TraceState::NONE {
        wire.text(field, &state.header());
    }
}

pub(super) fn attributes<'a>(
    wire: &mut Wire,
    field: Field,
    attributes: impl IntoIterator<Item = &'a KeyValue>,
) {
    for attribute in attributes {
        let key = attribute.key.as_str();
        match &attribute.value {
            Value::Bool(value) => pair(wire, field, key, Plain::Bool(*value)),
            Value::I64(value) => pair(wire, field, key, Plain::Int(*value)),
            Value::F64(value) => pair(wire, field, key, Plain::Double(*value)),
            Value::String(text) => pair(wire, field, key, Plain::Text(text.as_str())),
            Value::Array(array) => pair_of_array(wire, field, key, &elements(array)),
            // A kind of value that this version does not know is sent as it prints.
            other => pair(wire, field, key, Plain::Text(&other.to_string())),
        }
    }
}

fn elements(array: &Array) -> Vec<Element<'_>> {
    match array {
        Array::Bool(values) => of(values, |value| Plain::Bool(*value)),
        Array::I64(values) => of(values, |value| Plain::Int(*value)),
        Array::F64(values) => of(values, |value| Plain::Double(*value)),
        Array::String(values) => of(values, |text| Plain::Text(text.as_str())),
        other => vec![Element::Printed(other.to_string())],
    }
}

fn of<T>(values: &[T], plain: impl Fn(&T) -> Plain<'_>) -> Vec<Element<'_>> {
    let plain = values.iter().map(|value| Element::Plain(plain(value)));
    plain.collect()
}

fn kind(kind: &SpanKind) -> u64 {
    let kind = match kind {
        SpanKind::Client => span::SpanKind::Client,
        SpanKind::Server => span::SpanKind::Server,
        SpanKind::Producer => span::SpanKind::Producer,
        SpanKind::Consumer => span::SpanKind::Consumer,
        SpanKind::Internal => span::SpanKind::Internal,
    };
    kind as u64
}

/// What the flags of a trace are in a span or in a link, which may come from another process.
pub(super) fn flags(trace_flags: u8, is_remote: bool) -> u32 {
    let known = SpanFlags::ContextHasIsRemoteMask as u32;
    let remote = if is_remote {
        SpanFlags::ContextIsRemoteMask as u32
    } else {
        0
    };
    u32::from(trace_flags) | known | remote
}

/// What a span takes as a rule.
const TYPICAL_SPAN: usize = 400;

#[cfg(test)]
#[path = "spans_compared.rs"]
mod compared;
