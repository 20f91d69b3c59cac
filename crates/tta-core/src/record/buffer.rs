//! What a workflow has recorded and not handed over yet.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Attribute, DetailLimits, EventRecord, LostDetails, SpanRecord, Value};
use crate::context::Parent;
use crate::identity::SpanId;

/// Finished spans, attributes and events of one workflow, in bounded memory.
#[derive(Debug, Default)]
pub(crate) struct TraceBuffer {
    spans: Vec<SpanRecord>,
    attributes: Vec<(SpanId, Attribute)>,
    events: Vec<EventRecord>,
    links: Vec<(SpanId, Parent)>,
    lost: LostDetails,
}

/// What is handed over at once.
pub(crate) struct Taken {
    pub(crate) spans: Vec<SpanRecord>,
    pub(crate) attributes: Vec<(SpanId, Attribute)>,
    pub(crate) events: Vec<EventRecord>,
    pub(crate) links: Vec<(SpanId, Parent)>,
    pub(crate) lost: LostDetails,
}

impl TraceBuffer {
    /// Adds a finished span, and tells whether the buffer should be handed over although the
    /// workflow goes on.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "so that the record is made where it is kept"
    )]
    pub(crate) fn push_span(&mut self, span: SpanRecord) -> bool {
        if self.spans.capacity() == 0 {
            self.spans.reserve(FIRST_SPANS);
        }
        self.spans.push(span);
        self.spans.len() >= MOST_SPANS
    }

    /// Adds attributes of a span; values longer than the limit are cut.
    #[inline]
    pub(crate) fn push_attributes<const N: usize>(
        &mut self,
        span: SpanId,
        attributes: [Attribute; N],
    ) {
        if self.attributes.len() >= MOST_DETAILS {
            self.lost.attributes += N as u64;
            return;
        }
        if self.attributes.capacity() == 0 {
            self.attributes.reserve(FIRST_ATTRIBUTES);
        }
        let DetailLimits { text_bytes, .. } = DetailLimits::present();
        self.attributes
            .extend(attributes.into_iter().map(|attribute| (span, attribute)));
        for (_, attribute) in self.attributes.iter_mut().rev().take(N) {
            cut(&mut attribute.value, text_bytes);
        }
    }

    /// Adds an event; values longer than the limit are cut.
    pub(crate) fn push_event(&mut self, mut event: EventRecord) {
        if self.events.len() >= MOST_DETAILS {
            self.lost.events += 1;
            return;
        }
        let limits = DetailLimits::present();
        let beyond = event
            .attributes
            .len()
            .saturating_sub(limits.event_attributes);
        self.lost.attributes += beyond as u64;
        event.attributes.truncate(limits.event_attributes);
        event
            .attributes
            .iter_mut()
            .for_each(|attribute| cut(&mut attribute.value, limits.text_bytes));
        self.events.push(event);
    }

    /// Adds a link of a span to one of another trace.
    pub(crate) fn push_link(&mut self, span: SpanId, to: Parent) {
        if self.links.len() >= MOST_DETAILS {
            self.lost.links += 1;
        } else {
            self.links.push((span, to));
        }
    }

    /// Takes everything; for when no span is open.
    pub(crate) fn take_all(&mut self) -> Option<Taken> {
        if self.spans.is_empty() {
            return None;
        }
        let Self {
            spans,
            attributes,
            events,
            links,
            lost,
        } = std::mem::take(self);
        Some(Taken {
            spans,
            attributes,
            events,
            links,
            lost,
        })
    }

    /// Takes the finished spans with what belongs to them; what belongs to spans that are still
    /// open stays.
    pub(crate) fn take_ended(&mut self) -> Option<Taken> {
        if self.spans.is_empty() {
            return None;
        }
        let spans = std::mem::take(&mut self.spans);
        let ended: HashSet<SpanId> = spans.iter().map(|span| span.span_id).collect();
        let attributes = self
            .attributes
            .extract_if(.., |(id, _)| ended.contains(id))
            .collect();
        let events = self
            .events
            .extract_if(.., |event| ended.contains(&event.span_id))
            .collect();
        let links = self
            .links
            .extract_if(.., |(id, _)| ended.contains(id))
            .collect();
        Some(Taken {
            spans,
            attributes,
            events,
            links,
            lost: std::mem::take(&mut self.lost),
        })
    }
}

/// Cuts text to the limit at a character's boundary.
#[inline]
fn cut(value: &mut Value, most_bytes: usize) {
    let Value::Str(text) = value else { return };
    if text.len() > most_bytes {
        let end = text.floor_char_boundary(most_bytes);
        match text {
            Cow::Borrowed(text) => *text = text.get(..end).unwrap_or_default(),
            Cow::Owned(text) => text.truncate(end),
        }
    }
}

/// Room for a small workflow, so that it allocates once.
const FIRST_SPANS: usize = 16;
const FIRST_ATTRIBUTES: usize = 32;

/// A workflow that runs for hours hands its spans over in pieces of this size.
const MOST_SPANS: usize = 64;

/// Attributes and events one workflow may hold; more of them is a loop that went wrong.
const MOST_DETAILS: usize = 8_192;
