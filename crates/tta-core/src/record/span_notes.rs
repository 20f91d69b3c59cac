//! Finished spans in the form in which they are made.

use super::{SpanKind, SpanName, SpanRecord, SpanStatus, StepIdentity, StepRef};
use crate::identity::SpanId;

/// Finished spans, in the order in which they ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct SpanNotes {
    notes: Vec<SpanNote>,
    /// Those of which a note cannot tell everything, each with the number of notes that are before it.
    others: Vec<(usize, SpanRecord)>,
}

/// A finished span, in the least form that tells everything about it.
pub(crate) enum FinishedSpan {
    Note(SpanNote),
    Record(SpanRecord),
}

/// A span of a step or of a workflow that ended as it should.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanNote {
    pub(crate) span_id: SpanId,
    pub(crate) parent_id: SpanId,
    pub(crate) parent_is_remote: bool,
    pub(crate) is_workflow: bool,
    pub(crate) step: &'static StepIdentity,
    /// In nanoseconds since the Unix epoch.
    pub(crate) start_unix_nanos: u64,
    pub(crate) end_unix_nanos: u64,
}

impl SpanNotes {
    #[inline]
    pub(super) fn push_note(&mut self, span: SpanNote) {
        self.notes.push(span);
    }

    pub(super) fn push(&mut self, span: FinishedSpan) {
        match span {
            FinishedSpan::Note(span) => self.push_note(span),
            FinishedSpan::Record(span) => self.others.push((self.notes.len(), span)),
        }
    }

    /// Takes all of the others, which keep their room.
    pub(super) fn append(&mut self, others: &mut Self) {
        let before = self.notes.len();
        if before == 0 {
            // Mostly all there will be before the root itself, which comes last.
            self.notes.reserve_exact(others.notes.len() + 1);
        }
        self.notes.append(&mut others.notes);
        let later = others.others.drain(..);
        self.others
            .extend(later.map(|(place, span)| (before + place, span)));
    }

    pub(super) fn len(&self) -> usize {
        self.notes.len() + self.others.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn clear(&mut self) {
        self.notes.clear();
        self.others.clear();
    }

    /// Which spans they are.
    pub(super) fn ids(&self) -> impl Iterator<Item = SpanId> {
        let others = self.others.iter().map(|(_, span)| span.span_id);
        self.notes.iter().map(|note| note.span_id).chain(others)
    }

    pub(super) fn bytes(&self) -> usize {
        let others: usize = self.others.iter().map(|(_, span)| span.bytes()).sum();
        size_of_val(&*self.notes) + others
    }

    /// The spans as records have them.
    pub(super) fn into_records(self) -> Vec<SpanRecord> {
        let mut records = Vec::with_capacity(self.len());
        let mut notes = self.notes.into_iter().map(SpanNote::record);
        let mut made = 0;
        for (place, span) in self.others {
            records.extend(notes.by_ref().take(place - made));
            records.push(span);
            made = place;
        }
        records.extend(notes);
        records
    }
}

impl FinishedSpan {
    pub(crate) fn parent_id(&self) -> SpanId {
        match self {
            Self::Note(span) => span.parent_id,
            Self::Record(span) => span.parent_id,
        }
    }
}

impl SpanNote {
    fn record(self) -> SpanRecord {
        let step = StepRef::kept(self.step);
        SpanRecord {
            span_id: self.span_id,
            parent_id: self.parent_id,
            parent_is_remote: self.parent_is_remote,
            name: if self.is_workflow {
                SpanName::Workflow(step)
            } else {
                SpanName::Step(step)
            },
            kind: SpanKind::Internal,
            start_unix_nanos: self.start_unix_nanos,
            end_unix_nanos: self.end_unix_nanos,
            status: SpanStatus::Ok,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(id: u64) -> SpanNote {
        let name = StepRef::new("noted", "TestOfNotes", "{primitive}.execute");
        SpanNote {
            span_id: SpanId::from_u64(id),
            parent_id: SpanId::INVALID,
            parent_is_remote: false,
            is_workflow: id == 4,
            step: name.as_kept().expect("one of the first names"),
            start_unix_nanos: id,
            end_unix_nanos: id,
        }
    }

    fn failed(id: u64) -> FinishedSpan {
        FinishedSpan::Record(SpanRecord {
            status: SpanStatus::Unset,
            ..note(id).record()
        })
    }

    #[test]
    fn spans_are_in_the_order_in_which_they_ended() {
        let (mut first, mut then) = (SpanNotes::default(), SpanNotes::default());
        first.push(failed(1));
        first.push_note(note(2));
        then.push_note(note(3));
        then.push(failed(4));
        then.push_note(note(5));
        then.push(FinishedSpan::Note(note(4)));
        first.append(&mut then);
        assert_eq!((first.len(), then.len()), (6, 0));
        let records = first.into_records();
        let shown: Vec<_> = records
            .iter()
            .map(|span| (span.span_id.to_u64(), span.status == SpanStatus::Ok))
            .collect();
        assert_eq!(
            shown,
            [
                (1, false),
                (2, true),
                (3, true),
                (4, false),
                (5, true),
                (4, true)
            ]
        );
        let workflows = records
            .iter()
            .filter(|span| matches!(span.name, SpanName::Workflow(_)));
        assert_eq!(workflows.count(), 2);
    }
}
