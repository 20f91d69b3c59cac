//! What is written by hand beside what the published messages encode, for spans of any sort.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status as OtelStatus, TraceFlags, TraceId,
    TraceState,
};
use opentelemetry::{
    Array, InstrumentationScope as OtelScope, KeyValue as OtelKeyValue, StringValue, Value,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, SpanFlags, Status, span, status,
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use proptest::prelude::*;
use prost::Message;

use super::super::common::{any as any_value_of, resource, unix_nanos};
use super::encode_spans;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(256)
    })]

    #[test]
    fn what_is_written_is_what_the_published_messages_encode(
        batch in prop::collection::vec(span_data(), 0..6),
        name in ".{0,20}",
    ) {
        let resource = resource(&[
            ("service.name".to_owned(), name),
            ("process.pid".to_owned(), "17".to_owned()),
        ]);
        let written = encode_spans(&batch, &resource);
        let expected = request(&batch, &resource);
        // The decoder is not ours, so it would see what only looks alike.
        let decoded = ExportTraceServiceRequest::decode(written.as_slice());
        prop_assert_eq!(decoded.as_ref(), Ok(&expected));
        prop_assert_eq!(written, expected.encode_to_vec());
    }
}

fn span_data() -> impl Strategy<Value = SpanData> {
    let ids = (
        any::<u128>(),
        any::<u64>(),
        prop_oneof![Just(0), any::<u64>()],
    );
    let flags = (any::<bool>(), any::<bool>(), 0..4_u8);
    let kind = prop_oneof![
        Just(SpanKind::Internal),
        Just(SpanKind::Client),
        Just(SpanKind::Server),
        Just(SpanKind::Producer),
        Just(SpanKind::Consumer),
    ];
    let status = prop_oneof![
        Just(OtelStatus::Unset),
        Just(OtelStatus::Ok),
        ".{0,200}".prop_map(|text| OtelStatus::Error {
            description: text.into()
        }),
    ];
    let details = (
        attributes(),
        prop::collection::vec(event_data(), 0..3),
        prop::collection::vec(link_data(), 0..3),
        prop::array::uniform3(prop_oneof![Just(0), any::<u32>()]),
    );
    let rest = (
        ".{0,40}",
        kind,
        status,
        moment(),
        moment(),
        scope(),
        state(),
    );
    (ids, flags, details, rest).prop_map(|(ids, flags, details, rest)| {
        let (attributes, events, links, dropped) = details;
        let (name, span_kind, status, start_time, end_time, instrumentation_scope, state) = rest;
        let mut own_events = SpanEvents::default();
        own_events.events = events;
        own_events.dropped_count = dropped[1];
        let mut own_links = SpanLinks::default();
        own_links.links = links;
        own_links.dropped_count = dropped[2];
        SpanData {
            span_context: context(ids.0, ids.1, flags.2, flags.0, state),
            parent_span_id: SpanId::from_bytes(ids.2.to_be_bytes()),
            parent_span_is_remote: flags.1,
            span_kind,
            name: Cow::Owned(name),
            start_time,
            end_time,
            attributes,
            dropped_attributes_count: dropped[0],
            events: own_events,
            links: own_links,
            status,
            instrumentation_scope,
        }
    })
}

fn context(trace: u128, span: u64, flags: u8, is_remote: bool, state: TraceState) -> SpanContext {
    SpanContext::new(
        TraceId::from_bytes(trace.to_be_bytes()),
        SpanId::from_bytes(span.to_be_bytes()),
        TraceFlags::new(flags),
        is_remote,
        state,
    )
}

fn state() -> impl Strategy<Value = TraceState> {
    let pairs = prop::collection::vec(("[a-z]{1,8}", "[a-z0-9]{1,60}"), 0..3);
    pairs.prop_map(|pairs| TraceState::from_key_value(pairs).unwrap_or_default())
}

fn scope() -> impl Strategy<Value = OtelScope> {
    (
        "[a-c]?",
        prop::option::of("[0-9.]{0,5}"),
        prop::option::of("https?://x"),
        attributes(),
    )
        .prop_map(|(name, version, url, attributes)| {
            let mut builder = OtelScope::builder(name).with_attributes(attributes);
            if let Some(version) = version {
                builder = builder.with_version(version);
            }
            if let Some(url) = url {
                builder = builder.with_schema_url(url);
            }
            builder.build()
        })
}

fn moment() -> impl Strategy<Value = SystemTime> {
    prop_oneof![
        Just(UNIX_EPOCH),
        Just(UNIX_EPOCH - Duration::from_secs(1)),
        any::<u64>().prop_map(|nanos| UNIX_EPOCH + Duration::from_nanos(nanos)),
    ]
}

fn event_data() -> impl Strategy<Value = Event> {
    (".{0,20}", moment(), attributes(), any::<u32>())
        .prop_map(|(name, at, attributes, dropped)| Event::new(name, at, attributes, dropped))
}

fn link_data() -> impl Strategy<Value = Link> {
    let ids = (
        any::<u128>(),
        any::<u64>(),
        any::<u8>(),
        any::<bool>(),
        state(),
    );
    (ids, attributes(), any::<u32>()).prop_map(
        |((trace, span, flags, is_remote, state), attributes, dropped)| {
            Link::new(
                context(trace, span, flags, is_remote, state),
                attributes,
                dropped,
            )
        },
    )
}

fn attributes() -> impl Strategy<Value = Vec<OtelKeyValue>> {
    let text = || prop_oneof![".{0,20}", Just("x".repeat(130)), Just("y".repeat(20_000))];
    let some = |most| 0..most;
    let value = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        prop_oneof![Just(0), any::<i64>()].prop_map(Value::I64),
        // Not NaN, which equals nothing.
        prop_oneof![Just(0.0), Just(-0.0), -1e300..1e300].prop_map(Value::F64),
        text().prop_map(|text| Value::String(text.into())),
        prop::collection::vec(any::<bool>(), some(4))
            .prop_map(|all| Value::Array(Array::Bool(all))),
        prop::collection::vec(any::<i64>(), some(40)).prop_map(|all| Value::Array(Array::I64(all))),
        prop::collection::vec(-1.0..1.0, some(4)).prop_map(|all| Value::Array(Array::F64(all))),
        prop::collection::vec(text(), some(4)).prop_map(|all| {
            Value::Array(Array::String(
                all.into_iter().map(StringValue::from).collect(),
            ))
        }),
    ];
    let pair = (".{0,12}", value).prop_map(|(key, value)| OtelKeyValue::new(key, value));
    prop::collection::vec(pair, 0..5)
}

/// The same request, of the published messages.
fn request(batch: &[SpanData], resource: &Resource) -> ExportTraceServiceRequest {
    let mut groups: Vec<(&OtelScope, Vec<Span>)> = Vec::new();
    for data in batch {
        let scope = &data.instrumentation_scope;
        // A process has few scopes, and spans of one come together.
        match groups.iter_mut().rev().find(|(other, _)| *other == scope) {
            Some((_, spans)) => spans.push(message(data)),
            None => groups.push((scope, vec![message(data)])),
        }
    }
    let scope_spans = groups.into_iter().map(|(scope, spans)| ScopeSpans {
        scope: Some(InstrumentationScope {
            name: scope.name().to_owned(),
            version: scope.version().unwrap_or_default().to_owned(),
            attributes: scope.attributes().map(key_value).collect(),
            dropped_attributes_count: 0,
        }),
        spans,
        schema_url: scope.schema_url().unwrap_or_default().to_owned(),
    });
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource.clone()),
            scope_spans: scope_spans.collect(),
            schema_url: String::new(),
        }],
    }
}

fn message(data: &SpanData) -> Span {
    let (code, description) = match &data.status {
        OtelStatus::Unset => (status::StatusCode::Unset, ""),
        OtelStatus::Ok => (status::StatusCode::Ok, ""),
        OtelStatus::Error { description } => (status::StatusCode::Error, description.as_ref()),
    };
    let kind = match data.span_kind {
        SpanKind::Client => span::SpanKind::Client,
        SpanKind::Server => span::SpanKind::Server,
        SpanKind::Producer => span::SpanKind::Producer,
        SpanKind::Consumer => span::SpanKind::Consumer,
        SpanKind::Internal => span::SpanKind::Internal,
    };
    let parent = data.parent_span_id;
    Span {
        trace_id: data.span_context.trace_id().to_bytes().to_vec(),
        span_id: data.span_context.span_id().to_bytes().to_vec(),
        trace_state: data.span_context.trace_state().header(),
        parent_span_id: if parent == SpanId::INVALID {
            Vec::new()
        } else {
            parent.to_bytes().to_vec()
        },
        flags: flags(
            data.span_context.trace_flags().to_u8(),
            data.parent_span_is_remote,
        ),
        name: data.name.clone().into_owned(),
        kind: kind.into(),
        start_time_unix_nano: unix_nanos(data.start_time),
        end_time_unix_nano: unix_nanos(data.end_time),
        attributes: data.attributes.iter().map(key_value).collect(),
        dropped_attributes_count: data.dropped_attributes_count,
        events: data.events.iter().map(event).collect(),
        dropped_events_count: data.events.dropped_count,
        links: data.links.iter().map(link).collect(),
        dropped_links_count: data.links.dropped_count,
        status: Some(Status {
            message: description.to_owned(),
            code: code.into(),
        }),
    }
}

fn event(event: &Event) -> span::Event {
    span::Event {
        time_unix_nano: unix_nanos(event.timestamp),
        name: event.name.clone().into_owned(),
        attributes: event.attributes.iter().map(key_value).collect(),
        dropped_attributes_count: event.dropped_attributes_count,
    }
}

fn link(link: &Link) -> span::Link {
    let context = &link.span_context;
    span::Link {
        trace_id: context.trace_id().to_bytes().to_vec(),
        span_id: context.span_id().to_bytes().to_vec(),
        trace_state: context.trace_state().header(),
        attributes: link.attributes.iter().map(key_value).collect(),
        dropped_attributes_count: link.dropped_attributes_count,
        flags: flags(context.trace_flags().to_u8(), context.is_remote()),
    }
}

fn flags(trace_flags: u8, is_remote: bool) -> u32 {
    let known = SpanFlags::ContextHasIsRemoteMask as u32;
    let remote = if is_remote {
        SpanFlags::ContextIsRemoteMask as u32
    } else {
        0
    };
    u32::from(trace_flags) | known | remote
}

fn key_value(pair: &OtelKeyValue) -> KeyValue {
    KeyValue {
        key: pair.key.as_str().to_owned(),
        value: Some(value(&pair.value)),
        ..KeyValue::default()
    }
}

fn value(value: &Value) -> AnyValue {
    any_value_of(match value {
        Value::Bool(value) => any_value::Value::BoolValue(*value),
        Value::I64(value) => any_value::Value::IntValue(*value),
        Value::F64(value) => any_value::Value::DoubleValue(*value),
        Value::String(text) => any_value::Value::StringValue(text.as_str().to_owned()),
        Value::Array(array) => any_value::Value::ArrayValue(ArrayValue {
            values: elements(array),
        }),
        // A kind of value that this version does not know is sent as it prints.
        other => any_value::Value::StringValue(other.to_string()),
    })
}

fn elements(array: &Array) -> Vec<AnyValue> {
    match array {
        Array::Bool(values) => each(values, |value| any_value::Value::BoolValue(*value)),
        Array::I64(values) => each(values, |value| any_value::Value::IntValue(*value)),
        Array::F64(values) => each(values, |value| any_value::Value::DoubleValue(*value)),
        Array::String(values) => each(values, |text| {
            any_value::Value::StringValue(text.as_str().to_owned())
        }),
        other => vec![any_value_of(any_value::Value::StringValue(
            other.to_string(),
        ))],
    }
}

fn each<T>(values: &[T], convert: impl Fn(&T) -> any_value::Value) -> Vec<AnyValue> {
    values
        .iter()
        .map(|value| any_value_of(convert(value)))
        .collect()
}
