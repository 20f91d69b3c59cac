//! Protocol buffers, written straight into the bytes that are sent.

/// A message while it is written. Fields that have their default value are left out, as the encoding
/// has it.
pub(super) struct Wire {
    out: Vec<u8>,
}

/// The number of a field in its message.
pub(super) type Field = u32;

impl Wire {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            out: Vec::with_capacity(bytes),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// The bytes so far, which it forgets; the memory stays.
    pub(super) fn take(&mut self) -> Box<[u8]> {
        let bytes = self.out.as_slice().into();
        self.out.clear();
        bytes
    }

    /// Fields that are written already.
    pub(super) fn raw(&mut self, fields: &[u8]) {
        self.out.extend_from_slice(fields);
    }

    /// Text.
    #[inline]
    pub(super) fn text(&mut self, field: Field, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    /// Bytes.
    #[inline]
    pub(super) fn bytes(&mut self, field: Field, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.bytes_always(field, bytes);
        }
    }

    /// Bytes in a place where even none of them mean something: a choice between several fields.
    #[inline]
    pub(super) fn bytes_always(&mut self, field: Field, bytes: &[u8]) {
        self.begin(field, bytes.len());
        self.out.extend_from_slice(bytes);
    }

    /// A whole number.
    #[inline]
    pub(super) fn number(&mut self, field: Field, number: u64) {
        if number != 0 {
            self.number_always(field, number);
        }
    }

    /// A whole number in a place where zero means something too.
    #[inline]
    pub(super) fn number_always(&mut self, field: Field, number: u64) {
        self.tag(field, VARINT);
        self.varint(number);
    }

    /// A number of four bytes.
    #[inline]
    pub(super) fn fixed32(&mut self, field: Field, number: u32) {
        if number != 0 {
            self.tag(field, FIXED_32);
            self.out.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// A number of eight bytes.
    #[inline]
    pub(super) fn fixed64(&mut self, field: Field, number: u64) {
        if number != 0 {
            self.fixed64_always(field, number);
        }
    }

    /// A number of eight bytes in a place where zero means something too.
    #[inline]
    pub(super) fn fixed64_always(&mut self, field: Field, number: u64) {
        self.tag(field, FIXED_64);
        self.out.extend_from_slice(&number.to_le_bytes());
    }

    /// A message of two fields, the first of which is this text, and the second a message of these
    /// bytes and this text: a key and its value. Before the bytes are two that this fills in. False,
    /// and nothing is written, where one of the lengths takes more than one byte.
    #[inline]
    pub(super) fn short_pair<const N: usize>(
        &mut self,
        field: Field,
        (key_field, key): (Field, &str),
        (value_field, mut value, text): (Field, [u8; N], &str),
    ) -> bool {
        let inner = N - 2 + text.len();
        let whole = key.len() + inner + 4;
        if key.is_empty() || whole >= 0x80 || field >= 16 {
            return false;
        }
        if let [tag, length, ..] = value.as_mut_slice() {
            (*tag, *length) = (short_tag(value_field, LENGTH), low_bits(inner as u64));
        }
        self.out.extend_from_slice(&[
            short_tag(field, LENGTH),
            low_bits(whole as u64),
            short_tag(key_field, LENGTH),
            low_bits(key.len() as u64),
        ]);
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(&value);
        if !text.is_empty() {
            self.out.extend_from_slice(text.as_bytes());
        }
        true
    }

    /// A message inside this one, which is there even if it is empty.
    ///
    /// Its length stands before it and is known behind it, so there is room left for a length of one
    /// byte or two, and what was written moves in the rare case that it takes more.
    pub(super) fn message(&mut self, field: Field, length: Length, write: impl FnOnce(&mut Self)) {
        self.tag(field, LENGTH);
        let at = self.out.len();
        let room = length as usize;
        self.out
            .extend_from_slice([0; 3].get(..room).unwrap_or_default());
        write(self);
        let length = (self.out.len() - at - room) as u64;
        let needed = varint_length(length);
        if needed != room {
            self.make_room(at, room, needed);
        }
        if let Some(room) = self.out.get_mut(at..at + needed) {
            fill_varint(room, length);
        }
    }

    /// The beginning of a message of known length inside this one; its fields follow.
    #[inline]
    pub(super) fn begin(&mut self, field: Field, length: usize) {
        self.tag(field, LENGTH);
        self.varint(length as u64);
    }

    /// Moves what was written behind a length that takes another room than was left for it.
    #[cold]
    fn make_room(&mut self, at: usize, room: usize, needed: usize) {
        let begin = at + room;
        let end = self.out.len();
        self.out.resize(end.max(end + needed - room), 0);
        self.out.copy_within(begin..end, at + needed);
        self.out.truncate(end + needed - room);
    }

    #[inline]
    fn tag(&mut self, field: Field, kind: u32) {
        self.varint(u64::from(field << 3 | kind));
    }

    #[inline]
    fn varint(&mut self, number: u64) {
        if number < 0x80 {
            self.out.push(low_bits(number));
        } else {
            self.long_varint(number);
        }
    }

    fn long_varint(&mut self, number: u64) {
        let mut rest = number;
        while rest >= 0x80 {
            self.out.push(low_bits(rest) | 0x80);
            rest >>= 7;
        }
        self.out.push(low_bits(rest));
    }
}

/// How long a field is that holds so many bytes: its tag, its length and the bytes. For the fields
/// below 16, whose tags are of one byte.
pub(super) fn field_length(bytes: usize) -> usize {
    1 + varint_length(bytes as u64) + bytes
}

/// How long a number is in the encoding that has as many bytes as it needs.
pub(super) fn number_length(number: u64) -> usize {
    1 + varint_length(number)
}

/// How long a number of eight bytes is with its tag.
pub(super) const FIXED_64_LENGTH: usize = 9;

/// How many bytes the length of a message takes as a rule.
#[derive(Clone, Copy, Debug)]
pub(super) enum Length {
    /// Below 128.
    Short = 1,
    /// Below 16,384.
    Medium = 2,
    /// Below 2 MiB.
    Long = 3,
}

fn varint_length(number: u64) -> usize {
    let bits = 64 - (number | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

fn fill_varint(room: &mut [u8], number: u64) {
    let mut rest = number;
    let last = room.len().saturating_sub(1);
    for (index, byte) in room.iter_mut().enumerate() {
        let more = if index < last { 0x80 } else { 0 };
        *byte = low_bits(rest) | more;
        rest >>= 7;
    }
}

const fn low_bits(number: u64) -> u8 {
    (number & 0x7f) as u8
}

/// A tag of one byte, as fields below 16 have.
pub(super) const fn short_tag(field: Field, kind: u32) -> u8 {
    low_bits((field << 3 | kind) as u64)
}

pub(super) const VARINT: u32 = 0;
pub(super) const FIXED_64: u32 = 1;
pub(super) const LENGTH: u32 = 2;
const FIXED_32: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_right_whatever_room_was_left_for_it() {
        for guess in [Length::Short, Length::Medium, Length::Long] {
            for length in [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
                let inner = vec![b'x'; length];
                let mut wire = Wire::with_capacity(0);
                wire.message(1, guess, |wire| wire.out.extend_from_slice(&inner));
                wire.number(2, 7);
                let mut expected = Wire::with_capacity(0);
                expected.bytes_always(1, &inner);
                expected.number(2, 7);
                assert!(wire.out == expected.out, "{guess:?} for {length}");
            }
        }
    }
}
