//! How many bytes a record takes on the wire at most, so that a request is never too large.

use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

#[cfg(feature = "logs")]
use crate::log_records::LogLine;
use crate::measurements::{self, Point};

/// The most that a span takes.
pub(crate) fn span_bytes(span: &SpanData) -> usize {
    let events = span.events.iter();
    let events: usize = events
        .map(|event| FIELDS + event.name.len() + attributes_bytes(&event.attributes))
        .sum();
    let links = span.links.iter();
    let links: usize = links
        .map(|link| {
            let state = link.span_context.trace_state().header().len();
            LINK + state + attributes_bytes(&link.attributes)
        })
        .sum();
    let status = match &span.status {
        opentelemetry::trace::Status::Error { description } => description.len(),
        _ => 0,
    };
    SPAN + span.name.len()
        + span.span_context.trace_state().header().len()
        + status
        + attributes_bytes(&span.attributes)
        + events
        + links
}

/// The most that a point takes, with what its metric says about itself.
pub(crate) fn point_bytes(point: &Point) -> usize {
    let spec = point.spec;
    let about = spec.name.len() + spec.help.len() + spec.unit.symbol().len();
    let labels = spec.labels.iter().zip(&point.labels);
    let labels: usize = labels
        .map(|(key, value)| FIELDS + key.len() + value.len())
        .sum();
    let value = match &point.value {
        measurements::Value::Gauge(_) => 0,
        measurements::Value::Sum { .. } => EXEMPLAR,
        measurements::Value::Histogram { buckets, .. } => {
            let exemplars = buckets.iter().filter(|bucket| bucket.exemplar.is_some());
            buckets.len() * BUCKET + exemplars.count() * EXEMPLAR
        }
    };
    POINT + about + labels + value
}

/// The most that a line takes: a field of the shortest is twice as long as in JSON, none is longer.
#[cfg(feature = "logs")]
pub(crate) fn line_bytes(line: &LogLine) -> usize {
    LINE + 2 * line.json.len()
}

fn attributes_bytes(attributes: &[KeyValue]) -> usize {
    attributes
        .iter()
        .map(|pair| FIELDS + pair.key.as_str().len() + value_bytes(&pair.value))
        .sum()
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.as_str().len(),
        Value::Array(Array::String(texts)) => {
            texts.iter().map(|text| FIELDS + text.as_str().len()).sum()
        }
        Value::Array(Array::Bool(values)) => values.len() * FIELDS,
        Value::Array(Array::I64(values)) => values.len() * FIELDS,
        Value::Array(Array::F64(values)) => values.len() * FIELDS,
        _ => 0,
    }
}

/// The tags and lengths of a pair, a number and what is around them: each length takes five bytes at
/// most.
const FIELDS: usize = 40;
const SPAN: usize = 200;
const LINK: usize = 100;
const POINT: usize = 200;
const BUCKET: usize = 16;
const EXEMPLAR: usize = 80;
#[cfg(feature = "logs")]
const LINE: usize = 300;
