//! Lists and objects.

use std::ops::Range;

use serde_core::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::keys::KeyText;
use super::{Done, Ignored, Kind, Unwritable, Writer};

/// A list that is being written; its length is filled in at the end.
pub(crate) struct Sequence<'a> {
    writer: Writer<'a>,
    length_at: usize,
    length: u64,
}

impl<'a> Sequence<'a> {
    pub(super) fn begin(writer: Writer<'a>) -> Self {
        let length_at = begin(writer.out, Kind::Sequence);
        Self {
            writer,
            length_at,
            length: 0,
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Done {
        self.length += 1;
        item.serialize(Writer {
            out: self.writer.out,
            ignored: self.writer.ignored,
            depth: self.writer.depth,
        })
    }

    fn finish(self) {
        end(self.writer.out, self.length_at, self.length);
    }
}

/// An object that is being written; its fields are put in order at the end.
pub(crate) struct Object<'a> {
    writer: Writer<'a>,
    length_at: usize,
    /// Where each field lies, and how much of it is the key.
    fields: Vec<Field>,
    /// The key whose value comes next.
    pending: Option<Pending<'a>>,
}

struct Field {
    key: Range<usize>,
    end: usize,
}

struct Pending<'a> {
    key: Range<usize>,
    ignored: Option<&'a Ignored>,
}

impl<'a> Object<'a> {
    pub(super) fn begin(writer: Writer<'a>) -> Self {
        let length_at = begin(writer.out, Kind::Object);
        Self {
            writer,
            length_at,
            fields: Vec::new(),
            pending: None,
        }
    }

    fn key(&mut self, name: &str) {
        let begun = self.writer.out.len();
        self.writer
            .out
            .extend_from_slice(&(name.len() as u64).to_le_bytes());
        self.writer.out.extend_from_slice(name.as_bytes());
        self.pending = Some(Pending {
            key: begun..self.writer.out.len(),
            ignored: self.writer.ignored.and_then(|it| it.fields.get(name)),
        });
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        let Some(Pending { key, ignored }) = self.pending.take() else {
            return Err(Unwritable);
        };
        if ignored.is_some_and(|it| it.whole) {
            self.writer.out.truncate(key.start);
            return Ok(());
        }
        value.serialize(Writer {
            out: self.writer.out,
            ignored,
            depth: self.writer.depth,
        })?;
        let end = self.writer.out.len();
        self.fields.push(Field { key, end });
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
        self.key(name);
        self.value(value)
    }

    fn finish(mut self) {
        let out = &mut *self.writer.out;
        let key = |field: &Field| out.get(field.key.clone()).unwrap_or_default();
        if !self.fields.is_sorted_by(|one, next| key(one) <= key(next)) {
            let first = self.fields.first().map_or(out.len(), |it| it.key.start);
            // Stable: of a key that is there twice, the order is part of what was written.
            self.fields.sort_by(|one, other| key(one).cmp(key(other)));
            let sorted: Vec<u8> = self
                .fields
                .iter()
                .filter_map(|field| out.get(field.key.start..field.end))
                .flatten()
                .copied()
                .collect();
            out.truncate(first);
            out.extend_from_slice(&sorted);
        }
        end(out, self.length_at, self.fields.len() as u64);
    }
}

fn begin(out: &mut Vec<u8>, kind: Kind) -> usize {
    out.push(kind as u8);
    let length_at = out.len();
    out.extend_from_slice(&[0; 8]);
    length_at
}

fn end(out: &mut [u8], length_at: usize, length: u64) {
    if let Some(place) = out.get_mut(length_at..length_at + 8) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

impl SerializeSeq for Sequence<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Done {
        self.item(item)
    }

    fn end(self) -> Done {
        self.finish();
        Ok(())
    }
}

impl SerializeTuple for Sequence<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Done {
        self.item(item)
    }

    fn end(self) -> Done {
        self.finish();
        Ok(())
    }
}

impl SerializeTupleStruct for Sequence<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Done {
        self.item(item)
    }

    fn end(self) -> Done {
        self.finish();
        Ok(())
    }
}

impl SerializeTupleVariant for Sequence<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Done {
        self.item(item)
    }

    fn end(self) -> Done {
        self.finish();
        Ok(())
    }
}

impl SerializeMap for Object<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        self.key(&key.serialize(KeyText)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.value(value)
    }

    fn end(self) -> Done {
        self.finish();
        Ok(())
    }
}

impl SerializeStruct for Object<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
        self.field(name, value)
    }

    fn end(self) -> Done {
        self.finish();
        Ok(())
    }
}

impl SerializeStructVariant for Object<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
        self.field(name, value)
    }

    fn end(self) -> Done {
        self.finish();
        Ok(())
    }
}
