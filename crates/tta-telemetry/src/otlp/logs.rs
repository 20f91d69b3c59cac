//! From log lines to the messages of OTLP.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use serde_json::{Map, Value};

use super::common::{any, unix_nanos};
use crate::log_records::{self, LogLine};
use crate::settings::LogLimits;

/// The request that carries these lines, as bytes.
pub(crate) fn encode_lines(batch: &[LogLine], resource: &Resource) -> Vec<u8> {
    let mut scopes: Vec<ScopeLogs> = Vec::new();
    let limits = log_records::limits();
    for line in batch {
        let (target, mut record) = message(line);
        trim(&mut record, limits);
        let is_of = |scope: &&mut ScopeLogs| {
            let scope = scope.scope.as_ref();
            scope.is_some_and(|scope| scope.name == target)
        };
        // A program logs from few places, and most lines come from the latest.
        match scopes.iter_mut().rev().find(is_of) {
            Some(scope) => scope.log_records.push(record),
            None => scopes.push(ScopeLogs {
                scope: Some(InstrumentationScope {
                    name: target,
                    ..InstrumentationScope::default()
                }),
                log_records: vec![record],
                schema_url: String::new(),
            }),
        }
    }
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource.clone()),
            scope_logs: scopes,
            schema_url: String::new(),
        }],
    };
    request.encode_to_vec()
}

/// Where a line comes from, and what it says.
fn message(line: &LogLine) -> (String, LogRecord) {
    // The line is ours; were it none, it would still not be lost.
    let mut fields: Map<String, Value> = serde_json::from_slice(&line.json).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(&line.json).into_owned();
        Map::from_iter([("message".to_owned(), Value::String(text))])
    });
    let mut take = |name: &str| match fields.remove(name) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let (target, body) = (take("target"), take("message"));
    let (trace_id, span_id) = (take("trace_id"), take("span_id"));
    let severity_text = take("level");
    // The record has the time itself, and the service is among the resource's attributes.
    for known in ["timestamp", "service"] {
        fields.remove(known);
    }
    let at = unix_nanos(line.at);
    let record = LogRecord {
        time_unix_nano: at,
        observed_time_unix_nano: at,
        severity_number: severity(line.level).into(),
        severity_text,
        event_name: if target == OUR_TARGET {
            body.clone()
        } else {
            String::new()
        },
        body: Some(any(any_value::Value::StringValue(body))),
        attributes: fields.into_iter().filter_map(attribute).collect(),
        dropped_attributes_count: 0,
        flags: u32::from(!trace_id.is_empty()),
        trace_id: bytes(&trace_id),
        span_id: bytes(&span_id),
    };
    (target, record)
}

/// Leaves out what goes beyond the limits, and counts it in the record.
fn trim(record: &mut LogRecord, limits: LogLimits) {
    let excess = record.attributes.len().saturating_sub(limits.attributes);
    record.dropped_attributes_count += u32::try_from(excess).unwrap_or(u32::MAX);
    record.attributes.truncate(limits.attributes);
    for attribute in &mut record.attributes {
        let value = attribute.value.as_mut().and_then(|any| any.value.as_mut());
        if let Some(any_value::Value::StringValue(text)) = value {
            text.truncate(text.floor_char_boundary(limits.attribute_bytes));
        }
    }
}

fn severity(level: tracing::Level) -> SeverityNumber {
    match level {
        tracing::Level::TRACE => SeverityNumber::Trace,
        tracing::Level::DEBUG => SeverityNumber::Debug,
        tracing::Level::INFO => SeverityNumber::Info,
        tracing::Level::WARN => SeverityNumber::Warn,
        tracing::Level::ERROR => SeverityNumber::Error,
    }
}

fn attribute((key, value): (String, Value)) -> Option<KeyValue> {
    Some(KeyValue {
        key,
        value: Some(value_of(value)?),
        ..KeyValue::default()
    })
}

/// A line is flat: there are no lists or objects in it.
fn value_of(value: Value) -> Option<AnyValue> {
    Some(any(match value {
        Value::Bool(value) => any_value::Value::BoolValue(value),
        Value::String(text) => any_value::Value::StringValue(text),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => any_value::Value::IntValue(whole),
            (None, Some(number)) => any_value::Value::DoubleValue(number),
            (None, None) => return None,
        },
        Value::Null => return None,
        Value::Array(_) | Value::Object(_) => any_value::Value::StringValue(value.to_string()),
    }))
}

/// The bytes of an id in hexadecimal; none of anything else.
fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks_exact(2);
    let bytes: Option<Vec<u8>> = digits
        .map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        })
        .collect();
    bytes.unwrap_or_default()
}

const OUR_TARGET: &str = "tta";
