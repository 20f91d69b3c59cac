//! Traces as trees.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanId, Status, TraceId};
use opentelemetry_sdk::trace::SpanData;

use super::text::{push, push_pair};
use crate::logs::push_timestamp;

/// The spans of a batch, each trace as a tree under a line of its own:
///
/// ```text
/// trace 0af7651916cd43dd8448eb211c80319c 2026-01-31T23:59:59.999Z correlation_id=order-7
///   answer.execute 41.2ms ok
///     search.execute 30.1ms ok documents=2
/// ```
pub(super) fn render(batch: &[SpanData]) -> Vec<u8> {
    let mut out = Vec::new();
    for trace in traces(batch) {
        write_trace(&mut out, &trace);
    }
    out
}

/// The spans of each trace, in the order in which the traces come.
fn traces(batch: &[SpanData]) -> Vec<Vec<&SpanData>> {
    let mut places: HashMap<TraceId, usize> = HashMap::new();
    let mut traces: Vec<Vec<&SpanData>> = Vec::new();
    for span in batch {
        let place = *places
            .entry(span.span_context.trace_id())
            .or_insert(traces.len());
        match traces.get_mut(place) {
            Some(trace) => trace.push(span),
            None => traces.push(vec![span]),
        }
    }
    traces
}

fn write_trace(out: &mut Vec<u8>, trace: &[&SpanData]) {
    let mut children: HashMap<SpanId, Vec<&SpanData>> = HashMap::new();
    let mut roots = Vec::new();
    let ids: HashSet<_> = trace
        .iter()
        .map(|span| span.span_context.span_id())
        .collect();
    for span in trace {
        if ids.contains(&span.parent_span_id) {
            children.entry(span.parent_span_id).or_default().push(span);
        } else {
            roots.push(*span);
        }
    }
    let Some(first) = roots.first().or(trace.first()) else {
        return;
    };
    out.extend_from_slice(b"trace ");
    push(out, &first.span_context.trace_id().to_string());
    out.push(b' ');
    push_timestamp(out, first.start_time);
    for key in OF_ALL {
        if let Some(value) = attribute(first, key) {
            push_pair(out, key, &value);
        }
    }
    out.push(b'\n');
    // Spans nest as deep as they like: the stack is ours.
    let latest_first = |spans: &mut Vec<&SpanData>| {
        spans.sort_by_key(|span| std::cmp::Reverse(span.start_time));
    };
    latest_first(&mut roots);
    let mut left: Vec<(usize, &SpanData)> = roots.into_iter().map(|span| (1, span)).collect();
    while let Some((depth, span)) = left.pop() {
        write_span(out, span, depth);
        if let Some(mut own) = children.remove(&span.span_context.span_id()) {
            latest_first(&mut own);
            left.extend(own.into_iter().map(|span| (depth + 1, span)));
        }
    }
}

fn write_span(out: &mut Vec<u8>, span: &SpanData, depth: usize) {
    indent(out, depth);
    push(out, &span.name);
    let took = since(span.start_time, span.end_time);
    out.extend_from_slice(format!(" {took:.1?}").as_bytes());
    match &span.status {
        Status::Ok => out.extend_from_slice(b" ok"),
        Status::Error { description } => {
            out.extend_from_slice(b" error: ");
            push(out, description);
        }
        Status::Unset => {}
    }
    push_attributes(out, &span.attributes);
    out.push(b'\n');
    for event in span.events.iter() {
        indent(out, depth + 1);
        out.extend_from_slice(b"- ");
        push(out, &event.name);
        let after = since(span.start_time, event.timestamp);
        out.extend_from_slice(format!(" after {after:.1?}").as_bytes());
        push_attributes(out, &event.attributes);
        out.push(b'\n');
    }
    for link in span.links.iter() {
        indent(out, depth + 1);
        out.extend_from_slice(b"- from trace ");
        push(out, &link.span_context.trace_id().to_string());
        out.push(b'\n');
    }
}

/// What every span of a workflow has is said once, and what its name says is not said again.
fn push_attributes(out: &mut Vec<u8>, attributes: &[KeyValue]) {
    for pair in attributes {
        let key = pair.key.as_str();
        if !OF_ALL.contains(&key) && !OF_THE_NAME.contains(&key) {
            push_pair(out, key, &pair.value.to_string());
        }
    }
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let mut pairs = span.attributes.iter();
    let pair = pairs.find(|pair| pair.key.as_str() == key)?;
    Some(pair.value.to_string())
}

fn since(start: SystemTime, end: SystemTime) -> Duration {
    end.duration_since(start).unwrap_or_default()
}

fn indent(out: &mut Vec<u8>, depth: usize) {
    out.resize(out.len() + 2 * depth.min(DEEPEST), b' ');
}

const OF_ALL: [&str; 3] = ["correlation_id", "workflow.id", "session.id"];
const OF_THE_NAME: [&str; 2] = ["primitive.name", "primitive.type"];
/// Deeper spans stand below each other.
const DEEPEST: usize = 32;
