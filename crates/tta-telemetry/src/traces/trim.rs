//! What is left out of a trace that is too large for one request.

use opentelemetry::{Array, KeyValue, Value as OtelValue};
use opentelemetry_sdk::trace::SpanData;
use tta_core::{EventRecord, SpanRecord, TraceRecords};

use super::spans::key_value_bytes;

/// Leaves out what does not fit, the latest first, and counts it. Attributes go before events and
/// events before links.
pub(super) fn trim_ours(trace: &mut TraceRecords, most: usize) {
    let mut room = Room(most);
    room.take_always(trace.spans.iter().map(SpanRecord::bytes).sum());
    let before = trace.links.len();
    trace
        .links
        .retain(|(id, to)| room.take(size_of_val(id) + to.bytes()));
    trace.lost.links += (before - trace.links.len()) as u64;
    let before = trace.attributes.len();
    trace
        .attributes
        .retain(|(id, attribute)| room.take(size_of_val(id) + attribute.bytes()));
    trace.lost.attributes += (before - trace.attributes.len()) as u64;
    let before = trace.events.len();
    trace
        .events
        .retain(|event| room.take(EventRecord::bytes(event)));
    trace.lost.events += (before - trace.events.len()) as u64;
}

/// Cuts long texts, then leaves out what does not fit, the latest first, and counts it.
pub(super) fn trim_foreign(span: &mut SpanData, most: usize) {
    let mut room = Room(most);
    room.take_always(size_of::<SpanData>() + span.name.len());
    span.attributes.iter_mut().for_each(cut);
    let before = span.attributes.len();
    span.attributes
        .retain(|pair| room.take(key_value_bytes(pair)));
    span.dropped_attributes_count += count(before - span.attributes.len());
    let before = span.links.links.len();
    span.links.links.retain(|link| {
        let attributes: usize = link.attributes.iter().map(key_value_bytes).sum();
        room.take(size_of_val(link) + attributes)
    });
    span.links.dropped_count += count(before - span.links.links.len());
    let before = span.events.events.len();
    span.events.events.retain_mut(|event| {
        event.attributes.iter_mut().for_each(cut);
        let attributes: usize = event.attributes.iter().map(key_value_bytes).sum();
        room.take(size_of_val(event) + event.name.len() + attributes)
    });
    span.events.dropped_count += count(before - span.events.events.len());
}

/// How many bytes there is room for.
struct Room(usize);

impl Room {
    /// Takes room if there is enough of it.
    fn take(&mut self, bytes: usize) -> bool {
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }

    fn take_always(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(bytes);
    }
}

/// Cuts long text at a character's boundary.
fn cut(pair: &mut KeyValue) {
    let shortened = |text: &str| -> Option<String> {
        let end = text.floor_char_boundary(MOST_TEXT_BYTES);
        (end < text.len()).then(|| text.get(..end).unwrap_or_default().to_owned())
    };
    match &mut pair.value {
        OtelValue::String(text) => {
            if let Some(cut) = shortened(text.as_str()) {
                *text = cut.into();
            }
        }
        OtelValue::Array(Array::String(texts)) => {
            for text in texts {
                if let Some(cut) = shortened(text.as_str()) {
                    *text = cut.into();
                }
            }
        }
        _ => {}
    }
}

fn count(lost: usize) -> u32 {
    u32::try_from(lost).unwrap_or(u32::MAX)
}

/// How much of a long text is kept in a span that is too large.
const MOST_TEXT_BYTES: usize = 64 << 10;
