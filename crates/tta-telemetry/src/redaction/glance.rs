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
    // The end is looked at as a word of eight bytes too, some of which may then be looked at twice.
    let (words, rest) = bytes.as_chunks::<8>();
    let tail = bytes.last_chunk().filter(|_| !rest.is_empty());
    let tail = tail.map(|tail| (bytes.len() - tail.len(), tail));
    let words = words.iter().enumerate();
    let mut words = words.map(|(index, word)| (index * 8, word)).chain(tail);
    !may_begin(bytes) && words.all(|(at, word)| is_clean(bytes, at, *word))
}

/// Whether nothing secret stands by these eight bytes, which are those at `at`.
fn is_clean(bytes: &[u8], at: usize, word: [u8; 8]) -> bool {
    let mut gaps = gaps(u64::from_le_bytes(word));
    while gaps != 0 {
        let gap = at + (gaps.trailing_zeros() / 8) as usize;
        let is_clean = match bytes.get(gap) {
            Some(b':' | b'=') => false,
            // `-----BEGIN ` ends so.
            Some(b' ') if ends_with_n(bytes, gap) => false,
            _ => bytes.get(gap + 1..).is_none_or(|word| !may_begin(word)),
        };
        if !is_clean {
            return false;
        }
        gaps &= gaps - 1;
    }
    true
}

/// The highest bit of each byte that is no letter or digit of ASCII, no `_` and no `-`.
fn gaps(word: u64) -> u64 {
    let low = word & (ONES * 0x7f);
    // Sums of seven bits and of at most 0x80 stay in their bytes.
    let is_from = |low: u64, least: u8| low + ONES * u64::from(0x80 - least);
    let is = |byte: u8| !((low ^ (ONES * u64::from(byte))) + ONES * 0x7f);
    let in_small = low | (ONES * 0x20);
    let letter = is_from(in_small, b'a') & !is_from(in_small, b'z' + 1);
    let digit = is_from(low, b'0') & !is_from(low, b'9' + 1);
    (!(letter | digit | is(b'_') | is(b'-')) | word) & (ONES * 0x80)
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
    let is_sign = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        // A byte equal to `value` is zero here, and only the lowest zero's borrow is relied on.
        let is_zero = |word: u64| word.wrapping_sub(ONES) & !word;
        (is_zero(word ^ (ONES * 0x3a)) | is_zero(word ^ (ONES * 0x3d))) & (ONES * 0x80) != 0
    };
    // Of less than sixteen bytes these are all.
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => is_sign(first) || is_sign(last),
        _ => bytes.iter().any(|&byte| byte == b':' || byte == b'='),
    }
}

/// A one in every byte.
const ONES: u64 = 0x0101_0101_0101_0101;

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
