//! From the core's records to OpenTelemetry's.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId as OtelSpanId, SpanKind as OtelSpanKind, Status, TraceFlags,
    TraceId as OtelTraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, Key, KeyValue, StringValue, Value as OtelValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use tta_core::{
    Attribute, EventRecord, Identity, Parent, SpanId, SpanKind, SpanName, SpanRecord, SpanStatus,
    TraceId, TraceRecords, Value,
};

use super::limits;
use super::places::Places;
use super::spans::Spans;
use crate::settings::SpanLimits;

/// Appends the spans in OpenTelemetry's form, within the limits.
pub(crate) fn convert(spans: Spans, limits: &SpanLimits, into: &mut Vec<SpanData>) {
    let base = into.len();
    match spans {
        Spans::Foreign(span) => into.push(*span),
        Spans::Ours(trace) => convert_trace(trace.into_records(), into, limits),
    }
    for span in into.get_mut(base..).unwrap_or_default() {
        limits::trim(span, limits);
    }
}

/// The same trace in OpenTelemetry's type.
pub(crate) fn trace_id(id: TraceId) -> OtelTraceId {
    OtelTraceId::from_bytes(id.to_u128().to_be_bytes())
}

/// The same span in OpenTelemetry's type.
pub(crate) fn span_id(id: SpanId) -> OtelSpanId {
    OtelSpanId::from_bytes(id.to_u64().to_be_bytes())
}

/// What vendors noted about a trace, in OpenTelemetry's type.
pub(crate) fn trace_state(text: Option<&str>) -> TraceState {
    text.and_then(|text| TraceState::from_str(text).ok())
        .unwrap_or(TraceState::NONE)
}

fn convert_trace(trace: TraceRecords, into: &mut Vec<SpanData>, limits: &SpanLimits) {
    let who = Who::of(&trace.identity);
    let base = into.len();
    let trace_id = trace_id(trace.trace_id);
    let state = trace_state(trace.trace_state.as_deref());
    let mut places = Places::default();
    for (index, span) in trace.spans.into_iter().enumerate() {
        places.note(span.span_id, index);
        into.push(convert_span(trace_id, span, &who, &state));
    }
    // Only spans of this trace are looked at, and `places` knows no others.
    let spans = into.get_mut(base..).unwrap_or_default();
    for (id, attribute) in trace.attributes {
        if let Some(span) = places.find(id).and_then(|index| spans.get_mut(index)) {
            set(span, attribute, limits.attributes);
        }
    }
    for event in trace.events {
        if let Some(span) = places
            .find(event.span_id)
            .and_then(|index| spans.get_mut(index))
        {
            add(span, event, limits.events);
        }
    }
    for (id, to) in trace.links {
        if let Some(span) = places.find(id).and_then(|index| spans.get_mut(index)) {
            link(span, &to, limits.links);
        }
    }
    if trace.is_random {
        spans.iter_mut().for_each(note_random);
    }
    // Which spans said too much is not known; the last one encloses them all.
    if let Some(outermost) = spans.last_mut() {
        let count = |lost: u64| u32::try_from(lost).unwrap_or(u32::MAX);
        let lost = &trace.lost;
        limits::add(
            &mut outermost.dropped_attributes_count,
            count(lost.attributes),
        );
        limits::add(&mut outermost.events.dropped_count, count(lost.events));
        limits::add(&mut outermost.links.dropped_count, count(lost.links));
    }
}

fn convert_span(
    trace_id: OtelTraceId,
    span: SpanRecord,
    who: &Who,
    state: &TraceState,
) -> SpanData {
    let mut attributes = Vec::with_capacity(TYPICAL_ATTRIBUTES);
    let name = match span.name {
        SpanName::Part(name) => Cow::Borrowed(name),
        SpanName::Step(ref step) => {
            attributes.push(KeyValue::new(
                "primitive.name",
                StringValue::from(Arc::clone(&step.name)),
            ));
            attributes.push(KeyValue::new("primitive.type", step.kind));
            who.sign(&mut attributes);
            Cow::Owned((*step.span_name).to_owned())
        }
        SpanName::Workflow(ref workflow) => {
            who.sign(&mut attributes);
            Cow::Owned((*workflow.span_name).to_owned())
        }
        SpanName::Edge { name, .. } => {
            who.sign(&mut attributes);
            name
        }
        // A kind of name that this version does not know is shown as it is.
        ref other => Cow::Owned(other.as_str().to_owned()),
    };
    let status = match span.status {
        SpanStatus::Ok => Status::Ok,
        SpanStatus::Error {
            error_type,
            description,
        } => {
            attributes.push(KeyValue::new("error.type", error_type));
            Status::Error { description }
        }
        _ => Status::Unset,
    };
    SpanData {
        span_context: SpanContext::new(
            trace_id,
            span_id(span.span_id),
            TraceFlags::SAMPLED,
            false,
            state.clone(),
        ),
        parent_span_id: span_id(span.parent_id),
        parent_span_is_remote: span.parent_is_remote,
        span_kind: match span.kind {
            SpanKind::Client => OtelSpanKind::Client,
            SpanKind::Server => OtelSpanKind::Server,
            SpanKind::Producer => OtelSpanKind::Producer,
            SpanKind::Consumer => OtelSpanKind::Consumer,
            _ => OtelSpanKind::Internal,
        },
        name,
        start_time: time(span.start_unix_nanos),
        end_time: time(span.end_unix_nanos),
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status,
        instrumentation_scope: OWN_SCOPE.clone(),
    }
}

/// Says in the flags of the span that its trace's identifier is random.
fn note_random(span: &mut SpanData) {
    span.span_context = of_random_trace(&span.span_context);
}

/// The same span of a trace whose identifier is known to be random.
pub(crate) fn of_random_trace(context: &SpanContext) -> SpanContext {
    SpanContext::new(
        context.trace_id(),
        context.span_id(),
        TraceFlags::new(context.trace_flags().to_u8() | RANDOM),
        context.is_remote(),
        context.trace_state().clone(),
    )
}

/// Sets an attribute; a later value for the same key wins.
fn set(span: &mut SpanData, attribute: Attribute, most: usize) {
    let pair = key_value(attribute);
    if let Some(earlier) = span
        .attributes
        .iter_mut()
        .find(|other| other.key == pair.key)
    {
        earlier.value = pair.value;
    } else if span.attributes.len() < most {
        span.attributes.push(pair);
    } else {
        span.dropped_attributes_count += 1;
    }
}

fn add(span: &mut SpanData, event: EventRecord, most: usize) {
    if span.events.len() >= most {
        span.events.dropped_count += 1;
        return;
    }
    let attributes = event.attributes.into_iter().map(key_value).collect();
    span.events.events.push(Event::new(
        event.name,
        time(event.unix_nanos),
        attributes,
        0,
    ));
}

fn link(span: &mut SpanData, to: &Parent, most: usize) {
    if span.links.len() >= most {
        span.links.dropped_count += 1;
        return;
    }
    let flags = if to.sampled {
        TraceFlags::SAMPLED
    } else {
        TraceFlags::default()
    };
    let mut context = SpanContext::new(
        trace_id(to.trace_id),
        span_id(to.span_id),
        flags,
        to.is_remote,
        trace_state(to.trace_state.as_deref()),
    );
    if to.is_random {
        context = of_random_trace(&context);
    }
    span.links.links.push(Link::new(context, Vec::new(), 0));
}

fn key_value(attribute: Attribute) -> KeyValue {
    let key = match attribute.key {
        Cow::Borrowed(key) => Key::from_static_str(key),
        Cow::Owned(key) => Key::from(key),
    };
    let value = match attribute.value {
        Value::Bool(value) => OtelValue::Bool(value),
        Value::Int(value) => OtelValue::I64(value),
        Value::Float(value) => OtelValue::F64(value),
        Value::Str(Cow::Borrowed(text)) => OtelValue::String(text.into()),
        Value::Str(Cow::Owned(text)) => OtelValue::String(text.into()),
        other => OtelValue::String(other.to_string().into()),
    };
    KeyValue::new(key, value)
}

fn time(unix_nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(unix_nanos)
}

/// What every span of a workflow is found by, shared between them.
struct Who {
    correlation: StringValue,
    workflow: StringValue,
    session: Option<StringValue>,
}

impl Who {
    fn of(identity: &Identity) -> Self {
        let shared = |text: &str| StringValue::from(Arc::<str>::from(text));
        Self {
            correlation: shared(identity.correlation_id()),
            workflow: shared(identity.workflow_id()),
            session: identity.session_id().map(shared),
        }
    }

    fn sign(&self, attributes: &mut Vec<KeyValue>) {
        attributes.push(KeyValue::new("correlation_id", self.correlation.clone()));
        attributes.push(KeyValue::new("workflow.id", self.workflow.clone()));
        if let Some(session) = &self.session {
            attributes.push(KeyValue::new("session.id", session.clone()));
        }
    }
}

/// The flag of W3C Trace Context, level 2, that OpenTelemetry's type has no name for.
pub(crate) const RANDOM: u8 = 2;

/// The flag of a trace that is recorded.
pub(crate) const SAMPLED: u8 = 1;

/// The scope of our own spans.
pub(crate) static OWN_SCOPE: LazyLock<InstrumentationScope> = LazyLock::new(|| {
    InstrumentationScope::builder("tta")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
});

const TYPICAL_ATTRIBUTES: usize = 10;
