//! Attributes in the form in which they are made.

use std::borrow::Cow;

use super::{Attribute, DetailLimits, Value, cut};
use crate::identity::SpanId;

/// Attributes in the order in which they were set, each with the span that it belongs to.
#[derive(Clone, Debug, Default)]
pub(crate) struct AttributeNotes {
    notes: Vec<AttributeNote>,
    /// Those of which something has to be dropped, each with a note that stands for it.
    owned: Vec<Attribute>,
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

impl AttributeNotes {
    /// Adds attributes of a span, leaving those empty that are owned.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "so that attributes are made where they are kept"
    )]
    pub(super) fn push(&mut self, span_id: SpanId, attributes: &mut [Attribute]) {
        self.notes.reserve(attributes.len());
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
            self.notes.push(AttributeNote {
                span_id,
                key,
                value,
            });
        }
    }

    pub(super) fn len(&self) -> usize {
        self.notes.len()
    }

    pub(super) fn clear(&mut self) {
        self.notes.clear();
        self.owned.clear();
    }

    /// Takes all of the others, which keep their room. Text is cut to the limit, so that none but what
    /// a program is made of is held beyond it.
    pub(super) fn append(&mut self, others: &mut Self) {
        if self.notes.is_empty() {
            // Mostly all there will be.
            self.notes.reserve_exact(others.notes.len());
        }
        self.notes.append(&mut others.notes);
        let DetailLimits { text_bytes, .. } = DetailLimits::present();
        let owned = others.owned.iter_mut();
        owned.for_each(|attribute| cut(&mut attribute.value, text_bytes));
        self.owned.append(&mut others.owned);
    }

    /// Leaves out all but the first.
    pub(super) fn truncate(&mut self, len: usize) {
        self.split_last(self.len().saturating_sub(len));
    }

    /// Takes those that came last.
    pub(super) fn split_last(&mut self, count: usize) -> Self {
        let notes = self.notes.split_off(self.notes.len().saturating_sub(count));
        let owned = notes.iter().filter(|note| note.is_owned()).count();
        let owned = self.owned.split_off(self.owned.len().saturating_sub(owned));
        Self { notes, owned }
    }

    /// Takes those of spans about which `is_wanted` says so.
    pub(super) fn extract(&mut self, is_wanted: impl Fn(SpanId) -> bool) -> Self {
        let all = std::mem::take(self);
        let mut wanted = Self::default();
        let mut owned = all.owned.into_iter();
        for note in all.notes {
            let to = if is_wanted(note.span_id) {
                &mut wanted
            } else {
                &mut *self
            };
            to.owned.extend(owned.by_ref().take(note.is_owned().into()));
            to.notes.push(note);
        }
        wanted
    }

    pub(super) fn bytes(&self) -> usize {
        let text = |note: &AttributeNote| match note.value {
            ValueNote::Str(text) => text.len(),
            _ => 0,
        };
        let texts: usize = self.notes.iter().map(text).sum();
        let owned: usize = self.owned.iter().map(Attribute::bytes).sum();
        size_of_val(&*self.notes) + texts + owned
    }

    /// The attributes as records have them, with text cut to the limit.
    pub(super) fn into_records(self) -> Vec<(SpanId, Attribute)> {
        let DetailLimits { text_bytes, .. } = DetailLimits::present();
        let mut owned = self.owned.into_iter();
        let record = |note: AttributeNote| {
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
        };
        self.notes.into_iter().map(record).collect()
    }
}

impl AttributeNote {
    const fn is_owned(&self) -> bool {
        matches!(self.value, ValueNote::Owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: SpanId = SpanId::from_u64(1);
    const TWO: SpanId = SpanId::from_u64(2);

    /// `1 a`, `2 b`, `1 c`, ...: those of even places are owned.
    fn six() -> AttributeNotes {
        let mut notes = AttributeNotes::default();
        for (place, key) in ["a", "b", "c", "d", "e", "f"].into_iter().enumerate() {
            let span = if place < 2 { ONE } else { TWO };
            let attribute = if place % 2 == 0 {
                Attribute::new(key, format!("text of {key}"))
            } else {
                Attribute::new(key, place)
            };
            notes.push(span, &mut [attribute]);
        }
        notes
    }

    fn shown(notes: AttributeNotes) -> Vec<String> {
        let records = notes.into_records();
        let shown = records
            .iter()
            .map(|(span, Attribute { key, value })| format!("{} {key}: {value}", span.to_u64()));
        shown.collect()
    }

    #[test]
    fn records_are_in_the_order_of_their_notes() {
        assert_eq!(
            shown(six()),
            [
                "1 a: text of a",
                "1 b: 1",
                "2 c: text of c",
                "2 d: 3",
                "2 e: text of e",
                "2 f: 5",
            ]
        );
    }

    #[test]
    fn those_of_some_spans_are_taken_with_what_is_theirs() {
        let mut all = six();
        let of_two = all.extract(|span| span == TWO);
        assert_eq!(shown(all), ["1 a: text of a", "1 b: 1"]);
        assert_eq!(
            shown(of_two),
            ["2 c: text of c", "2 d: 3", "2 e: text of e", "2 f: 5"]
        );
    }

    #[test]
    fn those_that_came_last_are_taken_with_what_is_theirs() {
        let mut all = six();
        let last = all.split_last(2);
        assert_eq!(shown(last), ["2 e: text of e", "2 f: 5"]);
        all.truncate(1);
        assert_eq!(shown(all), ["1 a: text of a"]);
    }

    #[test]
    fn what_is_appended_stands_behind_what_was_there() {
        let (mut all, mut more) = (six(), six());
        all.append(&mut more);
        assert_eq!(all.len(), 12);
        assert_eq!(more.len(), 0);
        let shown = shown(all);
        assert_eq!(shown.get(..6), shown.get(6..));
    }

    #[test]
    fn room_is_that_of_notes_and_of_all_text() {
        let mut notes = AttributeNotes::default();
        notes.push(ONE, &mut [Attribute::new("k", "four")]);
        let with_text = notes.bytes();
        notes.push(ONE, &mut [Attribute::new("k", String::from("four"))]);
        assert_eq!(with_text, size_of::<AttributeNote>() + 4);
        let owned = size_of::<Attribute>() + 4;
        assert_eq!(
            notes.bytes(),
            with_text + size_of::<AttributeNote>() + owned
        );
    }

    #[test]
    fn text_beyond_the_limit_is_cut_and_text_made_on_the_way_is_not_even_held() {
        static LONG: [u8; 5_000] = [b'x'; 5_000];
        let text = str::from_utf8(&LONG).unwrap();
        let (mut all, mut more) = (AttributeNotes::default(), AttributeNotes::default());
        more.push(ONE, &mut [Attribute::new("made", text.to_owned())]);
        all.append(&mut more);
        assert!(all.bytes() < 2_048 + 200, "{}", all.bytes());
        all.push(ONE, &mut [Attribute::new("of the program", text)]);
        for (_, attribute) in all.into_records() {
            let Value::Str(kept) = &attribute.value else {
                panic!("{attribute:?}");
            };
            assert_eq!(kept.len(), 2_048, "{}", attribute.key);
        }
    }
}
