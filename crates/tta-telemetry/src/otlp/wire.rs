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

    /// Text.
    pub(super) fn text(&mut self, field: Field, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    /// Bytes.
    pub(super) fn bytes(&mut self, field: Field, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.bytes_always(field, bytes);
        }
    }

    /// Bytes in a place where even none of them mean something: a choice between several fields.
    pub(super) fn bytes_always(&mut self, field: Field, bytes: &[u8]) {
        self.tag(field, LENGTH);
        self.varint(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    /// A whole number.
    pub(super) fn number(&mut self, field: Field, number: u64) {
        if number != 0 {
            self.number_always(field, number);
        }
    }

    /// A whole number in a place where zero means something too.
    pub(super) fn number_always(&mut self, field: Field, number: u64) {
        self.tag(field, VARINT);
        self.varint(number);
    }

    /// A number of four bytes.
    pub(super) fn fixed32(&mut self, field: Field, number: u32) {
        if number != 0 {
            self.tag(field, FIXED_32);
            self.out.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// A number of eight bytes.
    pub(super) fn fixed64(&mut self, field: Field, number: u64) {
        if number != 0 {
            self.fixed64_always(field, number);
        }
    }

    /// A number of eight bytes in a place where zero means something too.
    pub(super) fn fixed64_always(&mut self, field: Field, number: u64) {
        self.tag(field, FIXED_64);
        self.out.extend_from_slice(&number.to_le_bytes());
    }

    /// A message inside this one, which is there even if it is empty.
    ///
    /// Its length stands before it and is known behind it, so there is room left for a length of one
    /// byte or two, and what was written moves in the rare case that it takes more.
    pub(super) fn message(&mut self, field: Field, length: Length, write: impl FnOnce(&mut Self)) {
        self.tag(field, LENGTH);
        let at = self.out.len();
        let room = length as usize;
        self.out.resize(at + room, 0);
        write(self);
        let length = (self.out.len() - at - room) as u64;
        let needed = varint_length(length);
        if needed != room {
            let begin = at + room;
            let end = self.out.len();
            self.out.resize(end.max(end + needed - room), 0);
            self.out.copy_within(begin..end, at + needed);
            self.out.truncate(end + needed - room);
        }
        if let Some(room) = self.out.get_mut(at..at + needed) {
            fill_varint(room, length);
        }
    }

    /// The beginning of a message of known length inside this one; its fields follow.
    pub(super) fn begin(&mut self, field: Field, length: usize) {
        self.tag(field, LENGTH);
        self.varint(length as u64);
    }

    fn tag(&mut self, field: Field, kind: u32) {
        self.varint(u64::from(field << 3 | kind));
    }

    fn varint(&mut self, number: u64) {
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

const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const LENGTH: u32 = 2;
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
