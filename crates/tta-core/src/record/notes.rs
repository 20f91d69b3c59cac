//! Records in the form in which they are made.
//!
//! Nothing in a note has to be dropped, so that it is written to where it is kept and to no other
//! place first: a record that is made, and then moved, is read in larger pieces than it has just been
//! written in, which a processor is slow at.

use std::borrow::Cow;

use super::{
    Attribute, DetailLimits, SpanKind, SpanName, SpanRecord, SpanStatus, StepIdentity, StepRef,
    Value, cut,
};
use crate::identity::SpanId;

/// Finished spans and attributes, each in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    spans: Vec<SpanNote>,
    attributes: Vec<AttributeNote>,
    /// Attributes of which something has to be dropped, each with a note that stands for it.
    owned: Vec<Attribute>,
}

/// A span of a step that ended as it should.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanNote {
    pub(crate) span_id: SpanId,
    pub(crate) parent_id: SpanId,
    pub(crate) step: &'static StepIdentity,
    /// In nanoseconds since the Unix epoch.
    pub(crate) start_unix_nanos: u64,
    pub(crate) end_unix_nanos: u64,
}

#[derive(Clone, Copy, Debug)]
struct AttributeNote {
    span_id: SpanId,
    key: &'static str,
    value: ValueNote,
}

#[derive(Clone, Copy, Debug)]
enum ValueNote {
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'static str),
    /// The next of those that are owned.
    Owned,
}

impl Notes {
    /// Adds a span, and tells whether there are many by now.
    #[inline]
    pub(crate) fn push_span(&mut self, span: SpanNote) -> bool {
        self.spans.push(span);
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
        self.attributes.reserve(attributes.len());
        for attribute in attributes {
            let (key, value) = match (&attribute.key, &attribute.value) {
                (&Cow::Borrowed(key), &Value::Bool(value)) => (key, ValueNote::Bool(value)),
                (&Cow::Borrowed(key), &Value::Int(value)) => (key, ValueNote::Int(value)),
                (&Cow::Borrowed(key), &Value::Float(value)) => (key, ValueNote::Float(value)),
                (&Cow::Borrowed(key), &Value::Str(Cow::Borrowed(text))) => {
                    (key, ValueNote::Str(text))
                }
                _ => {
                    self.owned.push(attribute.take());
                    ("", ValueNote::Owned)
                }
            };
            self.attributes.push(AttributeNote {
                span_id,
                key,
                value,
            });
        }
        self.attributes.len() >= MOST_ATTRIBUTES
    }

    pub(crate) fn clear(&mut self) {
        self.spans.clear();
        self.attributes.clear();
        self.owned.clear();
    }

    pub(crate) fn span_count(&self) -> usize {
        self.spans.len()
    }

    pub(crate) fn attribute_count(&self) -> usize {
        self.attributes.len()
    }

    /// The spans as they are handed over.
    pub(crate) fn spans(&mut self) -> impl ExactSizeIterator<Item = SpanRecord> {
        self.spans.drain(..).map(SpanNote::record)
    }

    /// The attributes as they are handed over.
    pub(crate) fn attributes(&mut self) -> impl ExactSizeIterator<Item = (SpanId, Attribute)> {
        let owned = self.owned.drain(..);
        attributes(self.attributes.drain(..), owned)
    }

    /// The attributes that came last.
    pub(crate) fn last_attributes(
        &mut self,
        count: usize,
    ) -> impl ExactSizeIterator<Item = (SpanId, Attribute)> {
        let last = self.attributes.len().saturating_sub(count);
        let is_owned = |note: &&AttributeNote| matches!(note.value, ValueNote::Owned);
        let owned = self.attributes.iter().skip(last).filter(is_owned).count();
        let last_owned = self.owned.len().saturating_sub(owned);
        let owned = self.owned.drain(last_owned..);
        attributes(self.attributes.drain(last..), owned)
    }
}

/// Attributes as they are handed over, with text cut to the limit.
fn attributes(
    notes: impl ExactSizeIterator<Item = AttributeNote>,
    mut owned: impl Iterator<Item = Attribute>,
) -> impl ExactSizeIterator<Item = (SpanId, Attribute)> {
    let DetailLimits { text_bytes, .. } = DetailLimits::present();
    notes.map(move |note| {
        let borrowed = |value| Attribute {
            key: Cow::Borrowed(note.key),
            value,
        };
        let mut attribute = match note.value {
            ValueNote::Bool(value) => borrowed(Value::Bool(value)),
            ValueNote::Int(value) => borrowed(Value::Int(value)),
            ValueNote::Float(value) => borrowed(Value::Float(value)),
            ValueNote::Str(text) => borrowed(Value::Str(Cow::Borrowed(text))),
            ValueNote::Owned => owned.next().unwrap_or_else(Attribute::empty),
        };
        cut(&mut attribute.value, text_bytes);
        (note.span_id, attribute)
    })
}

impl SpanNote {
    fn record(self) -> SpanRecord {
        SpanRecord {
            span_id: self.span_id,
            parent_id: self.parent_id,
            parent_is_remote: false,
            name: SpanName::Step(StepRef::kept(self.step)),
            kind: SpanKind::Internal,
            start_unix_nanos: self.start_unix_nanos,
            end_unix_nanos: self.end_unix_nanos,
            status: SpanStatus::Ok,
        }
    }
}

/// A thread that has noted so many puts them into the workflow's buffer, although the poll goes on.
const MOST_SPANS: usize = 64;
const MOST_ATTRIBUTES: usize = 256;
