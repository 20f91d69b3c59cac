//! A glance that tells most texts to be clean, before any of them is searched.

use super::prefixes::PREFIXES;

/// Whether [`scan`](super::scan::scan) surely finds nothing in it. Most values of attributes are a
/// word or a few, and then this is all that is asked of them.
///
/// What is secret stands after a `:` or a `=`, begins where a word begins, in a few ways, or follows
/// the line that begins a private key. So a text without such a sign is looked at only where its
/// words begin.
pub(super) fn is_surely_clean(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < LEAST {
        return !has_sign(bytes);
    }
    if may_begin(bytes) {
        return false;
    }
    let (chunks, rest) = bytes.as_chunks::<16>();
    let mut at = 0;
    for chunk in chunks {
        if !is_one_word(chunk) && !are_clean(bytes, chunk, at) {
            return false;
        }
        at += chunk.len();
    }
    // The end is looked at as a chunk too, so that the end of one long word is nothing to walk through.
    let is_one_word = bytes.last_chunk().is_some_and(is_one_word);
    rest.is_empty() || is_one_word || are_clean(bytes, rest, at)
}

/// Whether nothing secret stands by these bytes, which are those from `at` on.
fn are_clean(bytes: &[u8], some: &[u8], at: usize) -> bool {
    some.iter().enumerate().all(|(index, &byte)| {
        let here = at + index;
        match class(byte) {
            Class::Word => true,
            Class::Sign => false,
            // `-----BEGIN ` ends so.
            Class::Gap if byte == b' ' && ends_with_n(bytes, here) => false,
            Class::Gap => bytes.get(here + 1..).is_none_or(|word| !may_begin(word)),
        }
    })
}

fn ends_with_n(bytes: &[u8], end: usize) -> bool {
    let last = end.checked_sub(1).and_then(|before| bytes.get(before));
    last == Some(&b'N')
}

/// Whether a word may be a token or say that one follows.
fn may_begin(word: &[u8]) -> bool {
    let Some(&[a, b, c]) = word.first_chunk() else {
        return false;
    };
    let place = place([a, b, c]);
    BEGINNINGS
        .get(place / 64)
        .is_some_and(|places| places >> (place % 64) & 1 != 0)
}

fn has_sign(bytes: &[u8]) -> bool {
    bytes.iter().any(|&byte| byte == b':' || byte == b'=')
}

/// Whether these are all of one word. Without a branch, so that all are looked at in one go.
fn is_one_word(chunk: &[u8; 16]) -> bool {
    chunk.iter().fold(true, |all, &byte| {
        let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        let is_digit = byte.wrapping_sub(b'0') < 10;
        all & (is_letter | is_digit | (byte == b'_') | (byte == b'-'))
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Part of a word.
    Word,
    /// A value may follow.
    Sign,
    /// A word may follow.
    Gap,
}

#[expect(
    clippy::indexing_slicing,
    reason = "the index is a byte and the table has an entry for each"
)]
const fn class(byte: u8) -> Class {
    CLASSES[byte as usize]
}

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "the index is a byte"
)]
const CLASSES: [Class; 256] = {
    let mut table = [Class::Gap; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b':' | b'=' => Class::Sign,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => Class::Word,
            _ => Class::Gap,
        };
        byte += 1;
    }
    table
};

/// A number for three bytes that is the same for both cases of a letter.
const fn place([a, b, c]: [u8; 3]) -> usize {
    (a & 0x1f) as usize | ((b & 0x1f) as usize) << 5 | ((c & 3) as usize) << 10
}

/// The places of what a token or its scheme begins with: few, so that hardly any other word has one
/// of them.
#[expect(
    clippy::indexing_slicing,
    reason = "indices are below the length, and no beginning is shorter than three bytes"
)]
const BEGINNINGS: [u64; 64] = {
    let mut places = [0; 64];
    let mut at = 0;
    while at < PREFIXES.len() {
        let begins = PREFIXES[at].begins.as_bytes();
        let place = place([begins[0], begins[1], begins[2]]);
        places[place / 64] |= 1 << (place % 64);
        at += 1;
    }
    let schemes = [*b"bea", *b"bas"];
    let mut at = 0;
    while at < schemes.len() {
        let place = place(schemes[at]);
        places[place / 64] |= 1 << (place % 64);
        at += 1;
    }
    places
};

/// What is shorter than this holds nothing but what a sign tells of: `basic ` and eight characters.
const LEAST: usize = {
    let mut least = "basic ".len() + super::scan::LEAST_TOKEN;
    let mut at = 0;
    while at < PREFIXES.len() {
        #[expect(clippy::indexing_slicing, reason = "the index is below the length")]
        let prefix = &PREFIXES[at];
        let length = prefix.begins.len() + prefix.least;
        if length < least {
            least = length;
        }
        at += 1;
    }
    least
};

#[cfg(test)]
mod tests {
    use super::super::scan::search;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(4_000)
        })]

        /// The glance may take a clean text for one to be searched, and never the other way round.
        #[test]
        fn a_text_that_is_clean_at_a_glance_is_clean(text in text()) {
            if is_surely_clean(&text) {
                prop_assert_eq!(search(&text), None, "{}", text);
            }
        }
    }

    /// Pieces of which secrets are made, in any order, among any text.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => prop::sample::select(PIECES).prop_map(str::to_owned),
            2 => (0..PREFIXES.len()).prop_map(|index| PREFIXES[index].begins.to_owned()),
            3 => "[A-Za-z0-9_.-]{1,40}",
            1 => "[ -~]{0,10}",
            1 => any::<String>(),
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    const PIECES: &[&str] = &[
        " ",
        ".",
        "/",
        "\n",
        ":",
        "=",
        "://",
        "@",
        "-",
        "-----BEGIN ",
        "PRIVATE KEY-----",
        "bearer ",
        "Bearer ",
        "BASIC ",
        "basic ",
        "YWRhOnB3",
        "aB3dEf9h",
        "password",
        "api_key",
        "\"",
        "Some(",
        "0af7651916cd43dd8448eb211c80319c",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "ä",
    ];

    #[test]
    fn what_attributes_usually_say_is_clean_at_a_glance() {
        for text in [
            "",
            "small",
            "StepPrimitive",
            "primitive.step.execute",
            "0af7651916cd43dd8448eb211c80319c",
            "4f6b1f2e-8c1d-4a53-b6a5-0c1d2e3f4a5b",
            "gpt-4o-mini-2024-07-18",
            "claude-sonnet-4-5@20250929",
            "The quick brown fox jumps over the lazy dog.",
            "/v1/chat/completions",
            "naïve – schlüssel äöü and more of it",
        ] {
            assert!(is_surely_clean(text), "{text}");
        }
    }
}
