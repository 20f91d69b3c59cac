//! Metrics as lines.

use std::time::{Duration, UNIX_EPOCH};

use super::text::push;
use crate::logs::{Capped, push_timestamp};
use crate::measurements::{Point, Value};

/// The series of a reading that are not zero, a line each:
///
/// ```text
/// metrics 2026-01-31T23:59:59.999Z
///   primitive_executions_total{primitive="search",status="success"} 3
///   primitive_execution_duration_seconds{primitive="search"} count 3, mean 0.0301
/// ```
pub(super) fn render(batch: &[Point]) -> Vec<u8> {
    let mut out = Vec::new();
    for point in batch {
        let value = match &point.value {
            Value::Gauge(value) | Value::Sum { value, .. } if *value == 0.0 => continue,
            Value::Gauge(value) | Value::Sum { value, .. } => value.to_string(),
            Value::Histogram { sum, buckets, .. } => {
                let count: u64 = buckets.iter().map(|bucket| bucket.count).sum();
                if count == 0 {
                    continue;
                }
                format!("count {count}, mean {:.6}", sum / count as f64)
            }
        };
        if out.is_empty() {
            out.extend_from_slice(b"metrics ");
            let at = UNIX_EPOCH + Duration::from_nanos(point.unix_nanos);
            push_timestamp(&mut out, at);
            out.push(b'\n');
        }
        out.extend_from_slice(b"  ");
        push(&mut out, point.spec.name);
        push_labels(&mut out, point);
        out.push(b' ');
        push(&mut out, &value);
        out.push(b'\n');
    }
    out
}

fn push_labels(out: &mut Vec<u8>, point: &Point) {
    let pairs = point.spec.labels.iter().zip(&point.labels);
    for (index, (name, value)) in pairs.enumerate() {
        out.push(if index == 0 { b'{' } else { b',' });
        push(out, name);
        out.extend_from_slice(b"=\"");
        let mut capped = Capped::new(out, MOST_LABEL_BYTES, true);
        capped.push(value);
        capped.finish();
        out.push(b'"');
    }
    if !point.labels.is_empty() {
        out.push(b'}');
    }
}

const MOST_LABEL_BYTES: usize = 256;
