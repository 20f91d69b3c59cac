//! One form for all ways of writing the same value.
//!
//! A value is written as JSON would see it: structs and maps are objects with their keys in order,
//! `None` and the unit are null, a newtype is what it holds. Each value begins with its type, and
//! what has a length with that, so that no two different values are the same bytes.

mod compound;
mod keys;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::{self, Display};

use serde_core::ser::{Error as _, Serialize, Serializer};

use self::compound::{Object, Sequence};

/// Fields that are no part of a key, by their paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ignored {
    fields: BTreeMap<String, Self>,
    whole: bool,
}

impl Ignored {
    /// Leaves out what lies at a path of field names joined by dots; the items of a list have no
    /// name of their own.
    pub(crate) fn add(&mut self, path: &str) {
        let mut here = self;
        for name in path.split('.') {
            here = here.fields.entry(name.to_owned()).or_default();
        }
        here.whole = true;
    }
}

/// Writes a value in its canonical form, and lends it to `read`.
pub(crate) fn with_canonical<R>(
    value: &(impl Serialize + ?Sized),
    ignored: &Ignored,
    read: impl FnOnce(&[u8]) -> R,
) -> Result<R, Unwritable> {
    // Taken out while it is in use: what is serialised may itself ask a cache.
    let mut out = ROOM.try_with(Cell::take).unwrap_or_default();
    out.clear();
    let writer = Writer {
        out: &mut out,
        ignored: Some(ignored),
        depth: 0,
    };
    value.serialize(writer)?;
    let result = read(&out);
    if out.capacity() <= MOST_ROOM {
        // A thread that is ending keeps nothing.
        let _ = ROOM.try_with(|room| room.set(out));
    }
    Ok(result)
}

/// Writes one value to the end of what has been written.
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// What to leave out from here on.
    ignored: Option<&'a Ignored>,
    depth: usize,
}

impl<'a> Writer<'a> {
    fn null(self) {
        self.out.push(Kind::Null as u8);
    }

    fn integer(self, number: i128) {
        self.out.push(Kind::Integer as u8);
        self.out.extend_from_slice(&number.to_le_bytes());
    }

    fn number(self, number: f64) {
        // Whole numbers are the same however they are written, as far as a float tells them apart.
        if number.fract() == 0.0 && number.abs() < LARGEST_WHOLE {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is whole and in the range of the type"
            )]
            let whole = number as i128;
            return self.integer(whole);
        }
        self.out.push(Kind::Float as u8);
        let number = if number.is_nan() { f64::NAN } else { number };
        self.out.extend_from_slice(&number.to_bits().to_le_bytes());
    }

    fn text(self, text: &str) {
        self.sized(Kind::Text, text.as_bytes());
    }

    fn sized(self, kind: Kind, bytes: &[u8]) {
        self.out.push(kind as u8);
        self.out
            .extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.out.extend_from_slice(bytes);
    }

    fn deeper(self) -> Result<Self, Unwritable> {
        if self.depth == DEEPEST {
            return Err(Unwritable::custom("nested too deeply"));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }

    fn sequence(self) -> Result<Sequence<'a>, Unwritable> {
        Ok(Sequence::begin(self.deeper()?))
    }

    fn object(self) -> Result<Object<'a>, Unwritable> {
        Ok(Object::begin(self.deeper()?))
    }

    /// An object of one field, which is how JSON writes the variants of an enum that hold something.
    fn variant(self, variant: &str) -> Result<Self, Unwritable> {
        let writer = self.deeper()?;
        writer.out.push(Kind::Object as u8);
        writer.out.extend_from_slice(&1_u64.to_le_bytes());
        writer
            .out
            .extend_from_slice(&(variant.len() as u64).to_le_bytes());
        writer.out.extend_from_slice(variant.as_bytes());
        Ok(Writer {
            ignored: writer.ignored.and_then(|it| it.fields.get(variant)),
            ..writer
        })
    }
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Sequence<'a>;
    type SerializeTuple = Sequence<'a>;
    type SerializeTupleStruct = Sequence<'a>;
    type SerializeTupleVariant = Sequence<'a>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

    fn serialize_bool(self, value: bool) -> Done {
        self.out
            .push(if value { Kind::True } else { Kind::False } as u8);
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Done {
        self.serialize_i128(value.into())
    }

    fn serialize_i16(self, value: i16) -> Done {
        self.serialize_i128(value.into())
    }

    fn serialize_i32(self, value: i32) -> Done {
        self.serialize_i128(value.into())
    }

    fn serialize_i64(self, value: i64) -> Done {
        self.serialize_i128(value.into())
    }

    fn serialize_i128(self, value: i128) -> Done {
        self.integer(value);
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Done {
        self.serialize_i128(value.into())
    }

    fn serialize_u16(self, value: u16) -> Done {
        self.serialize_i128(value.into())
    }

    fn serialize_u32(self, value: u32) -> Done {
        self.serialize_i128(value.into())
    }

    fn serialize_u64(self, value: u64) -> Done {
        self.serialize_i128(value.into())
    }

    fn serialize_u128(self, value: u128) -> Done {
        match i128::try_from(value) {
            Ok(value) => self.integer(value),
            Err(_) => self.sized(Kind::Large, &value.to_le_bytes()),
        }
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Done {
        // By its shortest notation, which is what it would be in JSON: 0.1 and not 0.10000000149.
        let number = value.to_string().parse().unwrap_or_else(|_| value.into());
        self.number(number);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Done {
        self.number(value);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Done {
        self.text(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Done {
        self.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Done {
        self.sized(Kind::Bytes, value);
        Ok(())
    }

    fn serialize_none(self) -> Done {
        self.null();
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        self.null();
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.null();
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.text(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        value.serialize(self.variant(variant)?)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Sequence<'a>, Unwritable> {
        self.sequence()
    }

    fn serialize_tuple(self, _: usize) -> Result<Sequence<'a>, Unwritable> {
        self.sequence()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Sequence<'a>, Unwritable> {
        self.sequence()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Sequence<'a>, Unwritable> {
        self.variant(variant)?.sequence()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, Unwritable> {
        self.object()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object<'a>, Unwritable> {
        self.object()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'a>, Unwritable> {
        self.variant(variant)?.object()
    }
}

pub(super) type Done = Result<(), Unwritable>;

/// A value that makes no key; what its serialiser said is the user's data and is not kept.
#[derive(Debug)]
pub(crate) struct Unwritable;

impl serde_core::ser::Error for Unwritable {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

impl std::error::Error for Unwritable {}

impl Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that cannot be serialised makes no key")
    }
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Null,
    False,
    True,
    Integer,
    Large,
    Float,
    Text,
    Bytes,
    Sequence,
    Object,
}

thread_local! {
    /// Where values are written, kept from one key to the next, so that none allocates.
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// How much room a thread keeps; a prompt with its history has some kilobytes.
const MOST_ROOM: usize = 64 << 10;

/// Below this a float that is whole fits into the type of whole numbers.
const LARGEST_WHOLE: f64 = 1e38;

/// As deep as `serde_json` reads; deeper, a value could exhaust the stack.
const DEEPEST: usize = 128;
