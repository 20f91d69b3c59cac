//! Text made harmless: nothing that ends a line, colours a terminal or turns the reading direction.

use std::fmt;

use crate::digits::Short;

/// Text that may take so many bytes and no more.
pub(crate) struct Capped<'a> {
    out: &'a mut Vec<u8>,
    end: usize,
    quotes: bool,
    whole: bool,
}

impl<'a> Capped<'a> {
    /// Room for so many bytes after what is there; `quotes` says whether they are escaped too.
    pub(crate) fn new(out: &'a mut Vec<u8>, room: usize, quotes: bool) -> Self {
        let end = out.len() + room.saturating_sub(CUT.len());
        Self {
            out,
            end,
            quotes,
            whole: true,
        }
    }

    /// Appends as much as there is room for.
    pub(crate) fn push(&mut self, text: &str) {
        if !self.whole {
            return;
        }
        if text.len() <= self.end.saturating_sub(self.out.len()) && is_clean(text.as_bytes()) {
            self.out.extend_from_slice(text.as_bytes());
            return;
        }
        self.push_slowly(text);
    }

    #[inline(never)]
    fn push_slowly(&mut self, text: &str) {
        let mut rest = text;
        while let Some(escape) = next_escape(rest, self.quotes) {
            let (clean, from) = rest.split_at(escape.at);
            self.push_clean(clean);
            let written = escape.bytes();
            if !self.whole || self.out.len() + written.len() > self.end {
                self.whole = false;
                return;
            }
            self.out.extend_from_slice(written.as_bytes());
            rest = from.get(escape.length..).unwrap_or_default();
        }
        self.push_clean(rest);
    }

    fn push_clean(&mut self, text: &str) {
        let room = self.end.saturating_sub(self.out.len());
        if text.len() <= room {
            self.out.extend_from_slice(text.as_bytes());
        } else {
            self.whole = false;
            let cut = text.floor_char_boundary(room);
            self.out
                .extend_from_slice(text.get(..cut).unwrap_or_default().as_bytes());
        }
    }

    /// Marks text that was cut, and says whether it is whole.
    pub(crate) fn finish(self) -> bool {
        if !self.whole {
            self.out.extend_from_slice(CUT.as_bytes());
        }
        self.whole
    }
}

/// Formatting stops when the room is used up: of ten megabytes only the beginning is ever made.
impl fmt::Write for Capped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        if self.whole { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Stands at the end of text that was cut.
pub(super) const CUT: &str = "…";

/// A character that is not written as it is.
struct Escape {
    at: usize,
    length: usize,
    character: char,
}

/// How an escaped character is written.
struct Written([u8; 6], usize);

impl Written {
    fn len(&self) -> usize {
        self.1
    }

    fn as_bytes(&self) -> &[u8] {
        self.0.get(..self.1).unwrap_or_default()
    }
}

impl Escape {
    fn bytes(&self) -> Written {
        let short = match self.character {
            '"' => b'"',
            '\\' => b'\\',
            '\n' => b'n',
            '\r' => b'r',
            '\t' => b't',
            _ => {
                let code = u32::from(self.character);
                let [a, b, c, d] = [12, 8, 4, 0].map(|shift| hex_digit(code >> shift));
                return Written([b'\\', b'u', a, b, c, d], 6);
            }
        };
        Written([b'\\', short, 0, 0, 0, 0], 2)
    }
}

/// The digit for the lowest four bits.
fn hex_digit(bits: u32) -> u8 {
    match bits & 15 {
        #[expect(clippy::cast_possible_truncation, reason = "below ten")]
        low @ 0..=9 => b'0' + low as u8,
        #[expect(clippy::cast_possible_truncation, reason = "below sixteen")]
        high => b'a' - 10 + high as u8,
    }
}

/// The first character that must be escaped. None of them is beyond U+FFFF.
fn next_escape(text: &str, quotes: bool) -> Option<Escape> {
    let bytes = text.as_bytes();
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let clean = clean_words(rest);
        let found = rest
            .get(clean..)?
            .iter()
            .position(|&byte| suspicious(byte))?;
        let at = from + clean + found;
        let character = text.get(at..)?.chars().next()?;
        if harmful(character, quotes) {
            return Some(Escape {
                at,
                length: character.len_utf8(),
                character,
            });
        }
        from = at + character.len_utf8();
    }
}

/// Text of up to 15 characters of ASCII in which there is nothing to escape, and a quote behind it.
#[inline]
pub(super) fn quoted_if_clean(text: &[u8]) -> Option<Short> {
    let length = text.len();
    let quote = u64::from(b'"');
    let bits = match length {
        8..16 => {
            let [first, last] = [text.first_chunk()?, text.last_chunk()?].map(|half: &[u8; 8]| {
                let word = u64::from_le_bytes(*half);
                is_clean_word(word).then_some(word)
            });
            // What of the last eight bytes is not among the first, which may be nothing.
            let behind = (u128::from(last?) << 64) >> (8 * (16 - length));
            let behind = (behind >> 64) as u64 | quote << (8 * (length - 8));
            u128::from(first?) | u128::from(behind) << 64
        }
        4..8 => {
            let [first, last] = [text.first_chunk()?, text.last_chunk()?]
                .map(|half: &[u8; 4]| u64::from(u32::from_le_bytes(*half)));
            is_clean_word(first | last << 32).then_some(())?;
            (first | last << (8 * (length - 4)) | quote << (8 * length)).into()
        }
        0..4 => {
            let mut bits = quote << (8 * length);
            for (at, &byte) in text.iter().enumerate() {
                if suspicious(byte) {
                    return None;
                }
                bits |= u64::from(byte) << (8 * at);
            }
            bits.into()
        }
        _ => return None,
    };
    let length = length + 1;
    Some(Short { bits, length })
}

/// Whether there is nothing to escape in a text of ASCII, as most are.
#[inline]
pub(super) fn is_clean(bytes: &[u8]) -> bool {
    let is_clean = |word: &[u8; 8]| is_clean_word(u64::from_le_bytes(*word));
    // The ends are looked at as words too, some bytes of which are then looked at twice.
    if let Some(last) = bytes.last_chunk() {
        let (words, _) = bytes.as_chunks();
        return words.iter().all(is_clean) && is_clean(last);
    }
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            let [first, last] = [first, last].map(|half| u64::from(u32::from_le_bytes(*half)));
            is_clean_word(first << 32 | last)
        }
        _ => !bytes.iter().any(|&byte| suspicious(byte)),
    }
}

/// How many bytes at the beginning are plain ASCII without quotes and backslashes, in whole words.
///
/// Most text is nothing else, and a word of eight bytes is judged as fast as a byte.
fn clean_words(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    words.take_while(|word| is_clean_word(*word)).count() * 8
}

/// Whether eight bytes are plain ASCII without quotes and backslashes.
fn is_clean_word(word: u64) -> bool {
    // In a byte below 0x80, each of these has its highest bit only for what is looked for. A carry or
    // a borrow goes on only from a byte that is not clean itself.
    let is_zero = |word: u64| word.wrapping_sub(ONES);
    let quote = is_zero(word ^ (ONES * 0x22));
    let backslash = is_zero(word ^ (ONES * 0x5c));
    let below_space = word.wrapping_sub(ONES * 0x20);
    let delete = word.wrapping_add(ONES);
    (word | below_space | quote | backslash | delete) & (ONES * 0x80) == 0
}

/// A one in every byte.
const ONES: u64 = 0x0101_0101_0101_0101;

/// Whether a byte is, or begins, a character worth a look.
#[expect(
    clippy::indexing_slicing,
    reason = "the index is a byte and the table has an entry for each"
)]
const fn suspicious(byte: u8) -> bool {
    SUSPICIOUS[byte as usize]
}

#[expect(
    clippy::indexing_slicing,
    reason = "the index is a byte and the table has an entry for each"
)]
const SUSPICIOUS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        // The lead bytes of C1 controls, U+061C, U+2000 to U+2FFF, and U+F000 to U+FFFF.
        table[byte] = matches!(
            byte,
            0..=0x1f | 0x22 | 0x5c | 0x7f | 0xc2 | 0xd8 | 0xe2 | 0xef
        );
        byte += 1;
    }
    table
};

/// Whether a character ends a line somewhere, steers a terminal, or hides or turns text.
fn harmful(character: char, quotes: bool) -> bool {
    match character {
        '"' => quotes,
        '\\'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' => true,
        _ => character.is_control(),
    }
}
