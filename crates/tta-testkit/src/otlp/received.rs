//! What the receiver was sent, decoded.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;

use super::reply::Reply;

/// One of OTLP's three signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// Spans.
    Traces,
    /// Metrics.
    Metrics,
    /// Log records.
    Logs,
}

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// gRPC over HTTP/2.
    Grpc,
    /// Protobuf over HTTP/1.1.
    Http,
}

/// One request that could be decoded, whatever it was answered.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// How it came.
    pub protocol: Protocol,
    /// Its headers, with names in small letters.
    pub headers: Vec<(String, String)>,
    /// The size of its body as it came, compressed or not.
    pub body_bytes: usize,
    /// When its last byte had arrived.
    pub arrived: Instant,
    /// The message as it came, out of its frame and not compressed.
    pub message: Bytes,
    /// What it contained.
    pub payload: Payload,
    /// What the script answered.
    pub reply: Reply,
    /// Whether it was told success: with [`Reply::Ok`], [`Reply::PartialSuccess`], or
    /// [`Reply::Delay`] once the time is over.
    pub accepted: bool,
}

impl ReceivedRequest {
    /// The signal it carries.
    pub fn signal(&self) -> Signal {
        self.payload.signal()
    }

    /// The first header of this name (in small letters).
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }
}

/// The decoded message of a request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Payload {
    /// Spans.
    Traces(ExportTraceServiceRequest),
    /// Metrics.
    Metrics(ExportMetricsServiceRequest),
    /// Log records.
    Logs(ExportLogsServiceRequest),
}

impl Payload {
    /// The signal it belongs to.
    pub fn signal(&self) -> Signal {
        match self {
            Self::Traces(_) => Signal::Traces,
            Self::Metrics(_) => Signal::Metrics,
            Self::Logs(_) => Signal::Logs,
        }
    }

    /// How many spans, metrics or log records it has.
    pub fn count(&self) -> usize {
        match self {
            Self::Traces(request) => {
                let scopes = request.resource_spans.iter().flat_map(|of| &of.scope_spans);
                scopes.map(|of| of.spans.len()).sum()
            }
            Self::Metrics(request) => {
                let scopes = request
                    .resource_metrics
                    .iter()
                    .flat_map(|of| &of.scope_metrics);
                scopes.map(|of| of.metrics.len()).sum()
            }
            Self::Logs(request) => {
                let scopes = request.resource_logs.iter().flat_map(|of| &of.scope_logs);
                scopes.map(|of| of.log_records.len()).sum()
            }
        }
    }
}

/// A span with the resource and scope it came under.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReceivedSpan {
    /// The process that made it.
    pub resource: Arc<Resource>,
    /// The library that made it.
    pub scope: Arc<InstrumentationScope>,
    /// The span as it came.
    pub span: Span,
}

impl ReceivedSpan {
    /// Its trace id, in hexadecimal.
    pub fn trace_id(&self) -> String {
        hexadecimal(&self.span.trace_id)
    }

    /// Its span id, in hexadecimal.
    pub fn span_id(&self) -> String {
        hexadecimal(&self.span.span_id)
    }

    /// Its parent's span id, in hexadecimal; `None` for a root.
    pub fn parent_span_id(&self) -> Option<String> {
        let parent = &self.span.parent_span_id;
        (!parent.is_empty()).then(|| hexadecimal(parent))
    }

    /// The value of one of its attributes.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        value_of(&self.span.attributes, key)
    }

    /// The value of one of its resource's attributes.
    pub fn resource_attribute(&self, key: &str) -> Option<&Value> {
        value_of(&self.resource.attributes, key)
    }
}

/// A metric with the resource and scope it came under.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReceivedMetric {
    /// The process that measured it.
    pub resource: Arc<Resource>,
    /// The library that measured it.
    pub scope: Arc<InstrumentationScope>,
    /// The metric with its data points.
    pub metric: Metric,
}

/// A log record with the resource and scope it came under.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReceivedLog {
    /// The process that wrote it.
    pub resource: Arc<Resource>,
    /// The library that wrote it.
    pub scope: Arc<InstrumentationScope>,
    /// The record as it came.
    pub record: LogRecord,
}

impl ReceivedLog {
    /// The value of one of its attributes.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        value_of(&self.record.attributes, key)
    }
}

pub(super) fn spans_of(request: &ExportTraceServiceRequest, into: &mut Vec<ReceivedSpan>) {
    for of_resource in &request.resource_spans {
        let resource = Arc::new(of_resource.resource.clone().unwrap_or_default());
        for of_scope in &of_resource.scope_spans {
            let scope = Arc::new(of_scope.scope.clone().unwrap_or_default());
            into.extend(of_scope.spans.iter().map(|span| ReceivedSpan {
                resource: Arc::clone(&resource),
                scope: Arc::clone(&scope),
                span: span.clone(),
            }));
        }
    }
}

pub(super) fn metrics_of(request: &ExportMetricsServiceRequest, into: &mut Vec<ReceivedMetric>) {
    for of_resource in &request.resource_metrics {
        let resource = Arc::new(of_resource.resource.clone().unwrap_or_default());
        for of_scope in &of_resource.scope_metrics {
            let scope = Arc::new(of_scope.scope.clone().unwrap_or_default());
            into.extend(of_scope.metrics.iter().map(|metric| ReceivedMetric {
                resource: Arc::clone(&resource),
                scope: Arc::clone(&scope),
                metric: metric.clone(),
            }));
        }
    }
}

pub(super) fn logs_of(request: &ExportLogsServiceRequest, into: &mut Vec<ReceivedLog>) {
    for of_resource in &request.resource_logs {
        let resource = Arc::new(of_resource.resource.clone().unwrap_or_default());
        for of_scope in &of_resource.scope_logs {
            let scope = Arc::new(of_scope.scope.clone().unwrap_or_default());
            into.extend(of_scope.log_records.iter().map(|record| ReceivedLog {
                resource: Arc::clone(&resource),
                scope: Arc::clone(&scope),
                record: record.clone(),
            }));
        }
    }
}

fn value_of<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    found.value.as_ref()?.value.as_ref()
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from_digit(u32::from(four), 16);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .flatten()
        .collect()
}
