//! Attributes: pairs of a key and a value.

use super::numbers::{ARRAY_VALUES, PAIR_KEY, PAIR_VALUE, any};
use super::wire::{
    FIXED_64, FIXED_64_LENGTH, Field, LENGTH, VARINT, Wire, field_length, number_length, short_tag,
};

/// A value that is one thing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Plain<'a> {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(&'a str),
}

/// What is in an array.
pub(super) enum Element<'a> {
    Plain(Plain<'a>),
    Printed(String),
}

/// Writes a pair of a key and a value.
///
/// Most are short: the lengths in them take one byte each, and so they are written in one go.
pub(super) fn pair(wire: &mut Wire, field: Field, key: &str, value: Plain<'_>) {
    let is_written = match value {
        Plain::Text(text) => return pair_of_text(wire, field, key, text),
        Plain::Int(number) => short_number(wire, field, key, number),
        Plain::Double(number) => {
            let mut value = [short_tag(any::DOUBLE, FIXED_64); 2 + FIXED_64_LENGTH];
            let [_, _, _, bytes @ ..] = &mut value;
            *bytes = number.to_le_bytes();
            short(wire, field, key, value, "")
        }
        Plain::Bool(value) => {
            let value = [0, 0, short_tag(any::BOOL, VARINT), u8::from(value)];
            short(wire, field, key, value, "")
        }
    };
    if !is_written {
        begin_pair(wire, field, key, value.length());
        value.write(wire);
    }
}

/// The same for a text, which most values are.
pub(super) fn pair_of_text(wire: &mut Wire, field: Field, key: &str, text: &str) {
    let is_written = u8::try_from(text.len()).is_ok_and(|length| {
        let value = [0, 0, short_tag(any::STRING, LENGTH), length];
        short(wire, field, key, value, text)
    });
    if !is_written {
        begin_pair(wire, field, key, field_length(text.len()));
        wire.bytes_always(any::STRING, text.as_bytes());
    }
}

/// The same for a value that is several.
pub(super) fn pair_of_array(wire: &mut Wire, field: Field, key: &str, elements: &[Element<'_>]) {
    let lengths = elements
        .iter()
        .map(|element| field_length(element.plain().length()));
    let inner = lengths.sum();
    begin_pair(wire, field, key, field_length(inner));
    wire.begin(any::ARRAY, inner);
    for element in elements {
        let value = element.plain();
        wire.begin(ARRAY_VALUES, value.length());
        value.write(wire);
    }
}

fn short_number(wire: &mut Wire, field: Field, key: &str, number: i64) -> bool {
    let tag = short_tag(any::INT, VARINT);
    match u16::try_from(number).map(u16::to_le_bytes) {
        Ok([low @ 0..0x80, 0]) => short(wire, field, key, [0, 0, tag, low], ""),
        // Seven bits in each of two bytes.
        Ok([low, high @ 0..0x40]) => {
            let value = [0, 0, tag, low | 0x80, high << 1 | low >> 7];
            short(wire, field, key, value, "")
        }
        _ => false,
    }
}

/// Writes a pair whose value is these bytes, behind two for what stands before them, and this text.
#[inline]
fn short<const N: usize>(
    wire: &mut Wire,
    field: Field,
    key: &str,
    value: [u8; N],
    text: &str,
) -> bool {
    wire.short_pair(field, (PAIR_KEY, key), (PAIR_VALUE, value, text))
}

/// Writes all of a pair but its value, which takes so many bytes.
fn begin_pair(wire: &mut Wire, field: Field, key: &str, length: usize) {
    // A key without a name is left out, as every field is that has its default value.
    let key_length = if key.is_empty() {
        0
    } else {
        field_length(key.len())
    };
    wire.begin(field, key_length + field_length(length));
    wire.text(PAIR_KEY, key);
    wire.begin(PAIR_VALUE, length);
}

impl Plain<'_> {
    fn length(self) -> usize {
        match self {
            Self::Bool(_) => number_length(1),
            // A negative number takes ten bytes.
            Self::Int(value) => number_length(value.cast_unsigned()),
            Self::Double(_) => FIXED_64_LENGTH,
            Self::Text(text) => field_length(text.len()),
        }
    }

    fn write(self, wire: &mut Wire) {
        match self {
            Self::Bool(value) => wire.number_always(any::BOOL, u64::from(value)),
            Self::Int(value) => wire.number_always(any::INT, value.cast_unsigned()),
            Self::Double(value) => wire.fixed64_always(any::DOUBLE, value.to_bits()),
            Self::Text(text) => wire.bytes_always(any::STRING, text.as_bytes()),
        }
    }
}

impl Element<'_> {
    fn plain(&self) -> Plain<'_> {
        match self {
            Self::Plain(value) => *value,
            Self::Printed(text) => Plain::Text(text),
        }
    }
}
