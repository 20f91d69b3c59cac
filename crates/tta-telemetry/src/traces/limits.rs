//! How much of a span goes out.

use std::sync::RwLock;

use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::fork;
use crate::settings::SpanLimits;

/// Makes the limits hold for every span that is exported from now on.
pub(crate) fn set(limits: SpanLimits) {
    if let Some(mut present) = fork::write(&LIMITS) {
        *present = limits;
    }
}

/// The limits that hold now.
pub(crate) fn present() -> SpanLimits {
    fork::read(&LIMITS).map_or_else(SpanLimits::default, |limits| *limits)
}

/// Leaves out what goes beyond the limits, and counts it in the span.
pub(super) fn trim(span: &mut SpanData, limits: &SpanLimits) {
    let bytes = limits.attribute_bytes;
    let dropped = shorten(&mut span.attributes, limits.attributes, bytes);
    add(&mut span.dropped_attributes_count, dropped);
    let dropped = excess(span.events.len(), limits.events);
    add(&mut span.events.dropped_count, dropped);
    span.events.events.truncate(limits.events);
    for event in &mut span.events.events {
        let most = limits.event_attributes;
        let dropped = shorten(&mut event.attributes, most, bytes);
        add(&mut event.dropped_attributes_count, dropped);
    }
    let dropped = excess(span.links.len(), limits.links);
    add(&mut span.links.dropped_count, dropped);
    span.links.links.truncate(limits.links);
    for link in &mut span.links.links {
        let most = limits.link_attributes;
        let dropped = shorten(&mut link.attributes, most, bytes);
        add(&mut link.dropped_attributes_count, dropped);
    }
}

/// How many attributes were left out; texts are cut.
fn shorten(attributes: &mut Vec<KeyValue>, most: usize, bytes: usize) -> u32 {
    let dropped = excess(attributes.len(), most);
    attributes.truncate(most);
    for attribute in attributes {
        match &mut attribute.value {
            Value::String(text) => cut(text, bytes),
            Value::Array(Array::String(texts)) => {
                for text in texts {
                    cut(text, bytes);
                }
            }
            _ => {}
        }
    }
    dropped
}

fn cut(text: &mut StringValue, bytes: usize) {
    let whole = text.as_str();
    if whole.len() > bytes {
        let end = whole.floor_char_boundary(bytes);
        *text = whole.get(..end).unwrap_or_default().to_owned().into();
    }
}

/// Counts more; what is beyond the largest number is as good as it.
pub(super) fn add(count: &mut u32, more: u32) {
    *count = count.saturating_add(more);
}

fn excess(count: usize, most: usize) -> u32 {
    u32::try_from(count.saturating_sub(most)).unwrap_or(u32::MAX)
}

static LIMITS: RwLock<SpanLimits> = RwLock::new(SpanLimits::DEFAULT);
