//! What a workflow has recorded and not handed over yet.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Attribute, DetailLimits, EventRecord, LostDetails, Notes, SpanRecord, Value};
use crate::context::Parent;
use crate::identity::SpanId;

/// Everything recorded of one workflow, in bounded memory.
#[derive(Debug, Default)]
pub(crate) struct TraceBuffer {
    spans: Vec<SpanRecord>,
    attributes: Vec<(SpanId, Attribute)>,
    /// Made when first needed: most workflows have nothing to put there.
    rare: Option<Box<Rare>>,
}

#[derive(Debug, Default)]
struct Rare {
    /// Attributes that stand behind what threads have yet to put in front of them.
    late: Vec<(SpanId, Attribute)>,
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
    /// Adds a finished span, and tells whether it is time to hand over although the workflow goes
    /// on.
    pub(crate) fn push_span(&mut self, span: SpanRecord) -> bool {
        self.spans.push(span);
        self.spans.len() >= MOST_SPANS
    }

    /// Adds attributes of a span; `late` ones behind those that threads hold still.
    pub(crate) fn push_attributes(
        &mut self,
        late: bool,
        attributes: impl ExactSizeIterator<Item = (SpanId, Attribute)>,
    ) {
        let present = self.attributes.len() + self.rare.as_ref().map_or(0, |rare| rare.late.len());
        let room = MOST_DETAILS.saturating_sub(present);
        let beyond = attributes.len().saturating_sub(room);
        if beyond > 0 {
            self.lose_attributes(beyond);
        }
        let to = if late {
            &mut self.rare().late
        } else {
            &mut self.attributes
        };
        if beyond > 0 {
            to.extend(attributes.take(room));
        } else {
            to.extend(attributes);
        }
    }

    /// Counts attributes that could not be kept.
    pub(crate) fn lose_attributes(&mut self, count: usize) {
        self.rare().lost.attributes += count as u64;
    }

    /// Adds what a thread has noted, and tells whether it is time to hand over although the workflow
    /// goes on.
    pub(crate) fn absorb(&mut self, notes: &mut Notes) -> bool {
        if self.spans.is_empty() {
            // Mostly all there is before the root itself, which comes last.
            self.spans.reserve_exact(notes.span_count() + 1);
            self.attributes.reserve_exact(notes.attribute_count());
        }
        self.spans.extend(notes.spans());
        self.push_attributes(false, notes.attributes());
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
        let ended: HashSet<SpanId> = spans.iter().map(|span| span.span_id).collect();
        let is_ended = |(id, _): &mut (SpanId, Attribute)| ended.contains(id);
        let mut attributes: Vec<_> = self.attributes.extract_if(.., is_ended).collect();
        let mut rest = Rare::default();
        if let Some(rare) = &mut self.rare {
            attributes.extend(rare.late.extract_if(.., is_ended));
            rest.events = rare
                .events
                .extract_if(.., |event| ended.contains(&event.span_id))
                .collect();
            rest.links = rare
                .links
                .extract_if(.., |(id, _)| ended.contains(id))
                .collect();
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
