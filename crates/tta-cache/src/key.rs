//! What makes two calls the same.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

use siphasher::sip128::{Hasher128, SipHasher13};

/// A call's identity: 128 bits of a hash over its parts and its scope.
///
/// The hash is keyed with a secret of the process, so that nobody who chooses inputs can make two of
/// them share an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CacheKey(u128);

/// Takes the parts of a call that make its result what it is.
///
/// Each part is written with its type and length, so that no two different lists of parts are the
/// same key: `text("ab")` followed by `text("c")` is not `text("a")` followed by `text("bc")`.
///
/// # Examples
///
/// ```
/// use tta_cache::{CacheConfig, Scope};
///
/// struct Prompt {
///     model: &'static str,
///     text: String,
///     temperature: f64,
/// }
///
/// let config: CacheConfig<Prompt, String> = CacheConfig::new(Scope::Global, |prompt: &Prompt, _, key| {
///     key.text(prompt.model).text(&prompt.text).float(prompt.temperature);
/// });
/// ```
pub struct KeyBuilder {
    hasher: SipHasher13,
}

impl KeyBuilder {
    pub(crate) fn new() -> Self {
        let (first, second) = *SECRET;
        Self {
            hasher: SipHasher13::new_with_keys(first, second),
        }
    }

    /// A text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.part(Tag::Text, text.as_bytes())
    }

    /// Bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.part(Tag::Bytes, bytes)
    }

    /// A whole number.
    pub fn unsigned(&mut self, number: u64) -> &mut Self {
        self.part(Tag::Unsigned, &number.to_le_bytes())
    }

    /// A whole number that may be negative.
    pub fn signed(&mut self, number: i64) -> &mut Self {
        self.part(Tag::Signed, &number.to_le_bytes())
    }

    /// A number; the two zeros are one, and so is everything that is not a number.
    pub fn float(&mut self, number: f64) -> &mut Self {
        let canonical = if number == 0.0 {
            0.0
        } else if number.is_nan() {
            f64::NAN
        } else {
            number
        };
        self.part(Tag::Float, &canonical.to_bits().to_le_bytes())
    }

    /// Yes or no.
    pub fn flag(&mut self, flag: bool) -> &mut Self {
        self.part(Tag::Flag, &[u8::from(flag)])
    }

    /// A part that is missing, which is not the same as an empty one.
    pub fn none(&mut self) -> &mut Self {
        self.part(Tag::None, &[])
    }

    pub(crate) fn finish(&self) -> CacheKey {
        CacheKey(self.hasher.finish128().as_u128())
    }

    fn part(&mut self, tag: Tag, bytes: &[u8]) -> &mut Self {
        self.hasher.write_u8(tag as u8);
        self.hasher.write(&(bytes.len() as u64).to_le_bytes());
        self.hasher.write(bytes);
        self
    }
}

impl CacheKey {
    /// The low half, for tables that take 64 bits: a keyed hash is as good as any other.
    pub(crate) fn low(self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "half of it is what is asked for"
        )]
        let low = self.0 as u64;
        low
    }
}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheKey({self})")
    }
}

impl fmt::Debug for KeyBuilder {
    /// What has been written is the user's data and is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyBuilder").finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
enum Tag {
    Text,
    Bytes,
    Unsigned,
    Signed,
    Float,
    Flag,
    None,
}

/// The standard library's random keys, which it does not give away but through their hashes.
static SECRET: LazyLock<(u64, u64)> = LazyLock::new(|| {
    let random = || RandomState::new().build_hasher().finish();
    (random(), random())
});
