//! From spans to the bytes of OTLP, without messages in between.
//!
//! The numbers of the fields are those of `opentelemetry-proto`, with whose messages the tests compare
//! each byte.

use std::borrow::Cow;
use std::ptr;

use opentelemetry::trace::{Event, Link, SpanContext, SpanId, SpanKind, Status, TraceState};
use opentelemetry::{Array, InstrumentationScope, KeyValue, Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{SpanFlags, span, status};
use opentelemetry_sdk::trace::SpanData;
use prost::Message;

use super::common::unix_nanos;
use super::wire::{
    FIXED_64, FIXED_64_LENGTH, Field, LENGTH, Length, VARINT, Wire, field_length, number_length,
    short_tag,
};

/// The request that carries these spans, grouped by the library that made them.
pub(crate) fn encode_spans(batch: &[SpanData], resource: &Resource) -> Vec<u8> {
    let mut groups: Vec<(&InstrumentationScope, Vec<&SpanData>)> = Vec::new();
    for span in batch {
        let scope = &span.instrumentation_scope;
        // A process has few scopes, and spans of one come together.
        let mut latest = groups.iter_mut().rev();
        match latest.find(|(other, _)| are_same(other, scope)) {
            Some((_, spans)) => spans.push(span),
            None => groups.push((scope, vec![span])),
        }
    }
    let mut wire = Wire::with_capacity(batch.len() * TYPICAL_SPAN);
    wire.message(request::RESOURCE_SPANS, Length::Long, |wire| {
        wire.bytes_always(resource_spans::RESOURCE, &resource.encode_to_vec());
        for (scope, spans) in groups {
            wire.message(resource_spans::SCOPE_SPANS, Length::Long, |wire| {
                scope_spans(wire, scope, &spans);
            });
        }
    });
    wire.finish()
}

/// Whether two scopes are the same. Clones of one, as all of a library are, share their texts.
fn are_same(one: &InstrumentationScope, other: &InstrumentationScope) -> bool {
    let is_plain = |scope: &InstrumentationScope| {
        scope.attributes().next().is_none() && scope.schema_url().is_none()
    };
    let share_texts = ptr::eq(one.name(), other.name())
        && match (one.version(), other.version()) {
            (Some(one), Some(other)) => ptr::eq(one, other),
            (one, other) => one == other,
        };
    share_texts && is_plain(one) && is_plain(other) || one == other
}

fn scope_spans(wire: &mut Wire, scope: &InstrumentationScope, spans: &[&SpanData]) {
    wire.message(scope_spans::SCOPE, Length::Short, |wire| {
        wire.text(scope::NAME, scope.name());
        wire.text(scope::VERSION, scope.version().unwrap_or_default());
        attributes(wire, scope::ATTRIBUTES, scope.attributes());
    });
    for span in spans {
        wire.message(scope_spans::SPANS, Length::Medium, |wire| one(wire, span));
    }
    wire.text(
        scope_spans::SCHEMA_URL,
        scope.schema_url().unwrap_or_default(),
    );
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
    let flags = flags(context, span.parent_span_is_remote);
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
    wire.fixed32(links::FLAGS, flags(context, context.is_remote()));
}

fn trace_state(wire: &mut Wire, field: Field, context: &SpanContext) {
    let state = context.trace_state();
    if *state != TraceState::NONE {
        wire.text(field, &state.header());
    }
}

fn attributes<'a>(
    wire: &mut Wire,
    field: Field,
    attributes: impl IntoIterator<Item = &'a KeyValue>,
) {
    for attribute in attributes {
        let key = attribute.key.as_str();
        if !short(wire, field, key, &attribute.value) {
            any_length(wire, field, key, &attribute.value);
        }
    }
}

/// Writes a pair whose lengths take one byte each, as most do; false, and nothing is written, where
/// they do not.
fn short(wire: &mut Wire, field: Field, key: &str, value: &Value) -> bool {
    let key = (PAIR_KEY, key);
    match value {
        Value::String(text) => {
            let text = text.as_str();
            let Ok(length) = u8::try_from(text.len()) else {
                return false;
            };
            let head = [short_tag(any::STRING, LENGTH), length];
            wire.short_pair(field, key, (PAIR_VALUE, head, text))
        }
        Value::I64(number) => match u8::try_from(*number) {
            Ok(number @ 0..0x80) => {
                let value = [short_tag(any::INT, VARINT), number];
                wire.short_pair(field, key, (PAIR_VALUE, value, ""))
            }
            _ => false,
        },
        Value::F64(number) => {
            let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
            let value = [short_tag(any::DOUBLE, FIXED_64), a, b, c, d, e, f, g, h];
            wire.short_pair(field, key, (PAIR_VALUE, value, ""))
        }
        Value::Bool(value) => {
            let value = [short_tag(any::BOOL, VARINT), u8::from(*value)];
            wire.short_pair(field, key, (PAIR_VALUE, value, ""))
        }
        _ => false,
    }
}

fn any_length(wire: &mut Wire, field: Field, key: &str, value: &Value) {
    let value = Shown::of(value);
    let length = value.length();
    // A key without a name is left out, as every field is that has its default value.
    let key_length = if key.is_empty() {
        0
    } else {
        field_length(key.len())
    };
    wire.begin(field, key_length + field_length(length));
    wire.text(PAIR_KEY, key);
    wire.begin(PAIR_VALUE, length);
    value.write(wire);
}

/// A value as it is sent. Its length is known before it is written, so that nothing is moved.
enum Shown<'a> {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'a, str>),
    Array(Vec<Shown<'a>>),
}

impl<'a> Shown<'a> {
    fn of(value: &'a Value) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::I64(value) => Self::Int(*value),
            Value::F64(value) => Self::Double(*value),
            Value::String(text) => Self::Text(text.as_str().into()),
            Value::Array(array) => Self::Array(Self::elements(array)),
            // A kind of value that this version does not know is sent as it prints.
            other => Self::Text(other.to_string().into()),
        }
    }

    fn elements(array: &'a Array) -> Vec<Self> {
        match array {
            Array::Bool(values) => values.iter().copied().map(Self::Bool).collect(),
            Array::I64(values) => values.iter().copied().map(Self::Int).collect(),
            Array::F64(values) => values.iter().copied().map(Self::Double).collect(),
            Array::String(values) => {
                let texts = values.iter().map(|text| Self::Text(text.as_str().into()));
                texts.collect()
            }
            other => vec![Self::Text(other.to_string().into())],
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Bool(_) => number_length(1),
            // A negative number takes ten bytes.
            Self::Int(value) => number_length(value.cast_unsigned()),
            Self::Double(_) => FIXED_64_LENGTH,
            Self::Text(text) => field_length(text.len()),
            Self::Array(elements) => field_length(Self::lengths(elements)),
        }
    }

    fn lengths(elements: &[Self]) -> usize {
        let lengths = elements
            .iter()
            .map(|element| field_length(element.length()));
        lengths.sum()
    }

    fn write(&self, wire: &mut Wire) {
        match self {
            Self::Bool(value) => wire.number_always(any::BOOL, u64::from(*value)),
            Self::Int(value) => wire.number_always(any::INT, value.cast_unsigned()),
            Self::Double(value) => wire.fixed64_always(any::DOUBLE, value.to_bits()),
            Self::Text(text) => wire.bytes_always(any::STRING, text.as_bytes()),
            Self::Array(elements) => {
                wire.begin(any::ARRAY, Self::lengths(elements));
                for element in elements {
                    wire.begin(ARRAY_VALUES, element.length());
                    element.write(wire);
                }
            }
        }
    }
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

fn flags(context: &SpanContext, is_remote: bool) -> u32 {
    let known = SpanFlags::ContextHasIsRemoteMask as u32;
    let remote = if is_remote {
        SpanFlags::ContextIsRemoteMask as u32
    } else {
        0
    };
    u32::from(context.trace_flags().to_u8()) | known | remote
}

/// The numbers of the fields, message by message.
mod request {
    pub(super) const RESOURCE_SPANS: u32 = 1;
}

mod resource_spans {
    pub(super) const RESOURCE: u32 = 1;
    pub(super) const SCOPE_SPANS: u32 = 2;
}

mod scope_spans {
    pub(super) const SCOPE: u32 = 1;
    pub(super) const SPANS: u32 = 2;
    pub(super) const SCHEMA_URL: u32 = 3;
}

mod scope {
    pub(super) const NAME: u32 = 1;
    pub(super) const VERSION: u32 = 2;
    pub(super) const ATTRIBUTES: u32 = 3;
}

mod fields {
    pub(super) const TRACE_ID: u32 = 1;
    pub(super) const SPAN_ID: u32 = 2;
    pub(super) const TRACE_STATE: u32 = 3;
    pub(super) const PARENT_SPAN_ID: u32 = 4;
    pub(super) const NAME: u32 = 5;
    pub(super) const KIND: u32 = 6;
    pub(super) const START: u32 = 7;
    pub(super) const END: u32 = 8;
    pub(super) const ATTRIBUTES: u32 = 9;
    pub(super) const DROPPED_ATTRIBUTES: u32 = 10;
    pub(super) const EVENTS: u32 = 11;
    pub(super) const DROPPED_EVENTS: u32 = 12;
    pub(super) const LINKS: u32 = 13;
    pub(super) const DROPPED_LINKS: u32 = 14;
    pub(super) const STATUS: u32 = 15;
    pub(super) const FLAGS: u32 = 16;
}

mod events {
    pub(super) const TIME: u32 = 1;
    pub(super) const NAME: u32 = 2;
    pub(super) const ATTRIBUTES: u32 = 3;
    pub(super) const DROPPED_ATTRIBUTES: u32 = 4;
}

mod links {
    pub(super) const TRACE_ID: u32 = 1;
    pub(super) const SPAN_ID: u32 = 2;
    pub(super) const TRACE_STATE: u32 = 3;
    pub(super) const ATTRIBUTES: u32 = 4;
    pub(super) const DROPPED_ATTRIBUTES: u32 = 5;
    pub(super) const FLAGS: u32 = 6;
}

mod any {
    pub(super) const STRING: u32 = 1;
    pub(super) const BOOL: u32 = 2;
    pub(super) const INT: u32 = 3;
    pub(super) const DOUBLE: u32 = 4;
    pub(super) const ARRAY: u32 = 5;
}

const PAIR_KEY: u32 = 1;
const PAIR_VALUE: u32 = 2;
const ARRAY_VALUES: u32 = 1;
const STATUS_MESSAGE: u32 = 2;
const STATUS_CODE: u32 = 3;

/// What a span takes as a rule.
const TYPICAL_SPAN: usize = 400;

#[cfg(test)]
#[path = "spans_compared.rs"]
mod compared;
