//! From spans to the messages of OTLP.

use opentelemetry::InstrumentationScope as OtelScope;
use opentelemetry::trace::{Event, Link, SpanId, SpanKind, Status as OtelStatus};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, SpanFlags, Status, span, status,
};
use opentelemetry_sdk::trace::SpanData;
use prost::Message;

use super::common::{key_value, unix_nanos};

/// The request that carries these spans, as bytes.
pub(crate) fn encode_spans(batch: &[SpanData], resource: &Resource) -> Vec<u8> {
    request(batch, resource).encode_to_vec()
}

/// The request that carries these spans, grouped by the library that made them.
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
