//! What a workflow has recorded and not handed over yet.

use std::borrow::Cow;
use std::collections::HashSet;

use super::attribute_notes::AttributeNotes;
use super::span_notes::{FinishedSpan, SpanNotes};
use super::{DetailLimits, EventRecord, LostDetails, Notes, Value};
use crate::context::Parent;
use crate::identity::SpanId;

/// Everything recorded of one workflow, in bounded memory.
#[derive(Debug, Default)]
pub(crate) struct TraceBuffer {
    spans: SpanNotes,
    attributes: AttributeNotes,
    /// Made when first needed: most workflows have nothing to put there.
    rare: Option<Box<Rare>>,
}

#[derive(Debug, Default)]
struct Rare {
    /// Attributes that stand behind what threads have yet to put in front of them.
    late: AttributeNotes,
    events: Vec<EventRecord>,
    links: Vec<(SpanId, Parent)>,
    lost: LostDetails,
}

/// What is handed over at once.
pub(crate) struct Taken {
    pub(crate) spans: SpanNotes,
    pub(crate) attributes: AttributeNotes,
    pub(crate) events: Vec<EventRecord>,
    pub(crate) links: Vec<(SpanId, Parent)>,
    pub(crate) lost: LostDetails,
}

impl TraceBuffer {
    /// Adds a finished span, and tells whether it is time to hand over although the workflow goes
    /// on.
    pub(crate) fn push_span(&mut self, span: FinishedSpan) -> bool {
        self.spans.push(span);
        self.spans.len() >= MOST_SPANS
    }

    /// Adds attributes, of which none are left; `late` ones behind those that threads hold still.
    pub(crate) fn push_attributes(&mut self, late: bool, attributes: &mut AttributeNotes) {
        let present = self.attributes.len() + self.rare.as_ref().map_or(0, |rare| rare.late.len());
        let room = MOST_DETAILS.saturating_sub(present);
        if attributes.len() > room {
            self.lose_attributes(attributes.len() - room);
            attributes.truncate(room);
        }
        if late {
            self.rare().late.append(attributes);
        } else {
            self.attributes.append(attributes);
        }
    }

    /// Counts attributes that could not be kept.
    pub(crate) fn lose_attributes(&mut self, count: usize) {
        self.rare().lost.attributes += count as u64;
    }

    /// Adds what a thread has noted, of which nothing is left, and tells whether it is time to hand over
    /// although the workflow goes on.
    pub(crate) fn absorb(&mut self, notes: &mut Notes) -> bool {
        self.spans.append(&mut notes.spans);
        self.push_attributes(false, &mut notes.attributes);
        self.spans.len() >= MOST_SPANS
    }

    /// Called when no thread holds anything: what came late has nothing to wait for any more.
    pub(crate) fn settle(&mut self) {
        if let Some(rare) = &mut self.rare {
            self.attributes.append(&mut rare.late);
        }
    }

    /// Adds an event; values longer than the limit are cut.
    pub(crate) fn push_event(&mut self, mut event: EventRecord) {
        let rare = self.rare();
        if rare.events.len() >= MOST_DETAILS {
            rare.lost.events += 1;
            return;
        }
        let limits = DetailLimits::present();
        let beyond = event
            .attributes
            .len()
            .saturating_sub(limits.event_attributes);
        rare.lost.attributes += beyond as u64;
        event.attributes.truncate(limits.event_attributes);
        event
            .attributes
            .iter_mut()
            .for_each(|attribute| cut(&mut attribute.value, limits.text_bytes));
        rare.events.push(event);
    }

    /// Adds a link of a span to one of another trace.
    pub(crate) fn push_link(&mut self, span: SpanId, to: Parent) {
        let rare = self.rare();
        if rare.links.len() >= MOST_DETAILS {
            rare.lost.links += 1;
        } else {
            rare.links.push((span, to));
        }
    }

    /// Takes everything; for when no span is open.
    pub(crate) fn take_all(&mut self) -> Option<Taken> {
        if self.spans.is_empty() {
            return None;
        }
        self.settle();
        let rare = self.rare.take().map(|rare| *rare).unwrap_or_default();
        Some(Taken {
            spans: std::mem::take(&mut self.spans),
            attributes: std::mem::take(&mut self.attributes),
            events: rare.events,
            links: rare.links,
            lost: rare.lost,
        })
    }

    /// Takes the finished spans with what belongs to them; what belongs to spans that are still
    /// open stays.
    pub(crate) fn take_ended(&mut self) -> Option<Taken> {
        if self.spans.is_empty() {
            return None;
        }
        let spans = std::mem::take(&mut self.spans);
        let ended: HashSet<SpanId> = spans.ids().collect();
        let is_ended = |id| ended.contains(&id);
        let mut attributes = self.attributes.extract(is_ended);
        let mut rest = Rare::default();
        if let Some(rare) = &mut self.rare {
            attributes.append(&mut rare.late.extract(is_ended));
            rest.events = rare
                .events
                .extract_if(.., |event| is_ended(event.span_id))
                .collect();
            rest.links = rare.links.extract_if(.., |(id, _)| is_ended(*id)).collect();
            rest.lost = std::mem::take(&mut rare.lost);
        }
        Some(Taken {
            spans,
            attributes,
            events: rest.events,
            links: rest.links,
            lost: rest.lost,
        })
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

/// Cuts text to the limit at a character's boundary.
#[inline]
pub(super) fn cut(value: &mut Value, most_bytes: usize) {
    let Value::Str(text) = value else { return };
    if text.len() > most_bytes {
        let end = text.floor_char_boundary(most_bytes);
        match text {
            Cow::Borrowed(text) => *text = text.get(..end).unwrap_or_default(),
            Cow::Owned(text) => text.truncate(end),
        }
    }
}

/// A workflow that runs for hours hands its spans over in pieces of this size.
const MOST_SPANS: usize = 64;

/// Attributes and events one workflow may hold; more of them is a loop that went wrong.
const MOST_DETAILS: usize = 8_192;
