//! Records in the form in which they are made, and in which they leave the thread that made them.
//!
//! Nothing in a note has to be dropped, so that it is written to where it is kept and to no other
//! place first: a record that is made, and then moved, is read in larger pieces than it has just been
//! written in, which a processor is slow at. Notes that go elsewhere together are copied as one block,
//! and become records where nobody waits for it.

use std::{fmt, mem};

use super::attribute_notes::AttributeNotes;
use super::span_notes::{SpanNote, SpanNotes};
use super::{Attribute, TraceRecords};
use crate::identity::{SpanId, TraceId};

/// Finished spans and attributes that a thread holds, each in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(super) spans: SpanNotes,
    pub(super) attributes: AttributeNotes,
}

impl Notes {
    /// Adds a span, and tells whether there are many by now.
    #[inline]
    pub(crate) fn push_span(&mut self, span: SpanNote) -> bool {
        self.spans.push_note(span);
        self.spans.len() >= MOST_SPANS
    }

    /// Adds attributes of a span, leaving those empty that are owned, and tells whether there are many
    /// by now.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "so that attributes are made where they are kept"
    )]
    pub(crate) fn push_attributes(
        &mut self,
        span_id: SpanId,
        attributes: &mut [Attribute],
    ) -> bool {
        self.attributes.push(span_id, attributes);
        self.attributes.len() >= MOST_ATTRIBUTES
    }

    /// Takes the attributes that came last.
    pub(crate) fn last_attributes(&mut self, count: usize) -> AttributeNotes {
        self.attributes.split_last(count)
    }

    pub(crate) fn clear(&mut self) {
        self.spans.clear();
        self.attributes.clear();
    }
}

/// The finished spans of one workflow as they are handed over: noted, and made records when somebody
/// reads them.
///
/// A [`Recorder`](crate::Recorder) is called on the thread that ran the workflow, and has nothing to do
/// there but to keep it; [`into_records`](Self::into_records) is for a thread of its own.
#[derive(Clone)]
pub struct TraceNotes {
    spans: SpanNotes,
    attributes: AttributeNotes,
    /// Everything else, and what has been made of the notes.
    records: TraceRecords,
}

impl TraceNotes {
    /// Notes of a trace of which `records` are everything else.
    pub(crate) const fn new(
        spans: SpanNotes,
        attributes: AttributeNotes,
        records: TraceRecords,
    ) -> Self {
        Self {
            spans,
            attributes,
            records,
        }
    }

    /// The trace that all the spans belong to.
    pub fn trace_id(&self) -> TraceId {
        self.records.trace_id
    }

    /// Whether the trace is sampled, as [`TraceRecords::is_sampled`].
    pub fn is_sampled(&self) -> bool {
        self.records.is_sampled
    }

    /// How many spans there are.
    pub fn span_count(&self) -> usize {
        self.spans.len() + self.records.spans.len()
    }

    /// How much room it takes, in bytes, with all the text that it refers to.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() - size_of::<TraceRecords>()
            + self.spans.bytes()
            + self.attributes.bytes()
            + self.records.bytes()
    }

    /// The records, which are made now if they have not been asked for before.
    pub fn records(&mut self) -> &mut TraceRecords {
        if !self.spans.is_empty() {
            let (spans, attributes) = (mem::take(&mut self.spans), mem::take(&mut self.attributes));
            self.records.spans = spans.into_records();
            self.records.attributes = attributes.into_records();
        }
        &mut self.records
    }

    /// The records.
    pub fn into_records(mut self) -> TraceRecords {
        self.records();
        self.records
    }
}

/// Records that somebody has made otherwise.
impl From<TraceRecords> for TraceNotes {
    fn from(records: TraceRecords) -> Self {
        Self::new(SpanNotes::default(), AttributeNotes::default(), records)
    }
}

impl fmt::Debug for TraceNotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceNotes")
            .field("trace_id", &self.trace_id())
            .field("spans", &self.span_count())
            .finish_non_exhaustive()
    }
}

/// A thread that has noted so many puts them into the workflow's buffer, although the poll goes on.
const MOST_SPANS: usize = 64;
const MOST_ATTRIBUTES: usize = 256;
