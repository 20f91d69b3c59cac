//! What makes two calls the same.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

use serde_core::Serialize;
use sha2::{Digest, Sha256};

use crate::canonical::{Ignored, with_canonical};
use crate::sip_hash::SipHash;

/// A call's identity: 128 bits of a hash over its parts and its scope.
///
/// In memory the hash is keyed with a secret of the process, so that nobody who chooses inputs can
/// make two of them share an entry. In a tier outside it is the same in all processes, and
/// cryptographic for the same reason.
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
    hasher: KeyHasher,
    /// Whether a part could not be written: then there is no key.
    failed: bool,
}

enum KeyHasher {
    Local(SipHash),
    Shared(Sha256),
}

/// A call's identity in all processes: what it is found under, and what else its hash says, which
/// is stored with the value and verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SharedKey {
    pub(crate) address: CacheKey,
    pub(crate) check: u128,
}

impl KeyBuilder {
    /// For this process alone.
    #[inline]
    pub(crate) fn local() -> Self {
        let (first, second) = *SECRET;
        Self::with(KeyHasher::Local(SipHash::with_secret(first, second)))
    }

    /// The same in all processes.
    pub(crate) fn shared(namespace: &str, version: u32) -> Self {
        let mut key = Self::with(KeyHasher::Shared(Sha256::new()));
        key.text(namespace).unsigned(version.into());
        key
    }

    #[inline]
    fn with(hasher: KeyHasher) -> Self {
        Self {
            hasher,
            failed: false,
        }
    }

    /// A text.
    #[inline]
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

    /// A whole value, in a canonical form: what is the same JSON value is the same part, whatever
    /// the order of its keys and the notation of its numbers. `1` and `1.0` are one number.
    ///
    /// A value that cannot be serialised makes no key: the call is computed and not stored.
    pub fn value(&mut self, value: &(impl Serialize + ?Sized)) -> &mut Self {
        self.value_without(value, &Ignored::default())
    }

    /// A whole value but for the fields that do not matter.
    pub(crate) fn value_without(
        &mut self,
        value: &(impl Serialize + ?Sized),
        ignored: &Ignored,
    ) -> &mut Self {
        let written = with_canonical(value, ignored, |canonical| {
            self.part(Tag::Value, canonical);
        });
        self.failed |= written.is_err();
        self
    }

    /// The key in memory; none if a part could not be written.
    #[inline]
    pub(crate) fn finish_local(&self) -> Option<CacheKey> {
        let KeyHasher::Local(hasher) = &self.hasher else {
            return None;
        };
        (!self.failed).then(|| CacheKey(hasher.finish()))
    }

    /// The key outside; none if a part could not be written.
    pub(crate) fn finish_shared(self) -> Option<SharedKey> {
        let KeyHasher::Shared(hasher) = self.hasher else {
            return None;
        };
        let digest: [u8; 32] = hasher.finalize().into();
        let (address, check) = digest.split_first_chunk::<16>()?;
        let check = check.first_chunk::<16>()?;
        (!self.failed).then(|| SharedKey {
            address: CacheKey(u128::from_be_bytes(*address)),
            check: u128::from_be_bytes(*check),
        })
    }

    fn part(&mut self, tag: Tag, bytes: &[u8]) -> &mut Self {
        // No part is as long as 2^56 bytes, so the tag and the length share a word.
        let head = ((bytes.len() as u64) << 8) | u64::from(tag as u8);
        match &mut self.hasher {
            KeyHasher::Local(hasher) => write_words(hasher, head, bytes),
            KeyHasher::Shared(hasher) => {
                hasher.update(head.to_le_bytes());
                hasher.update(bytes);
            }
        }
        self
    }
}

/// Writes whole words: `head`, which says how many bytes there are, then these. The last word may hold
/// bytes of the one before again.
fn write_words(hasher: &mut SipHash, head: u64, bytes: &[u8]) {
    hasher.write(head);
    let (words, rest) = bytes.as_chunks();
    for word in words {
        hasher.write(u64::from_le_bytes(*word));
    }
    if !rest.is_empty() {
        hasher.write(last_word(bytes));
    }
}

/// The last eight bytes, or all of fewer: what they are follows from it and from how many there are.
#[inline]
fn last_word(bytes: &[u8]) -> u64 {
    if let Some(word) = bytes.last_chunk() {
        return u64::from_le_bytes(*word);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u64::from(first) | (u64::from(last) << 32);
    }
    // Three bytes at most.
    bytes
        .iter()
        .fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

impl CacheKey {
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The low half, for tables that take 64 bits: such a hash is as good as any other.
    pub(crate) fn low(self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "half of it is what is asked for"
        )]
        let low = self.0 as u64;
        low
    }
}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.low());
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

/// Keys are hashes already.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyHash;

impl BuildHasher for KeyHash {
    type Hasher = Low;

    fn build_hasher(&self) -> Low {
        Low(0)
    }
}

/// Passes on the 64 bits that it is given.
#[derive(Debug)]
pub(crate) struct Low(u64);

impl Hasher for Low {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, low: u64) {
        self.0 = low;
    }

    fn finish(&self) -> u64 {
        self.0
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
    Value,
}

/// The standard library's random keys, which it does not give away but through their hashes.
static SECRET: LazyLock<(u64, u64)> = LazyLock::new(|| {
    let random = || RandomState::new().build_hasher().finish();
    (random(), random())
});

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_that_differ_differ_in_bytes_and_in_hashes() {
        let keys: Vec<_> = (0..1_000)
            .map(|n: u128| CacheKey((n << 64) | (n * 77)))
            .collect();
        let bytes: HashSet<_> = keys.iter().map(|key| key.to_bytes()).collect();
        let hashes: HashSet<_> = keys.iter().map(|key| KeyHash.hash_one(key)).collect();
        assert_eq!((bytes.len(), hashes.len()), (keys.len(), keys.len()));
    }

    #[test]
    fn every_bit_of_a_part_and_its_length_are_in_the_key_in_memory() {
        let key = |bytes: &[u8]| {
            let mut key = KeyBuilder::local();
            key.bytes(bytes);
            key.finish_local().map(CacheKey::to_bytes)
        };
        let mut keys = HashSet::new();
        let mut count = 0;
        for length in 0..=40 {
            let mut bytes = vec![0; length];
            keys.insert(key(&bytes));
            for bit in 0..length * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                keys.insert(key(&bytes));
                bytes[bit / 8] = 0;
            }
            count += 1 + length * 8;
        }
        assert_eq!(keys.len(), count);
    }

    #[test]
    fn what_is_no_key_is_hashed_byte_by_byte() {
        let texts = [[0, 0], [0, 1], [1, 0], [1, 1], [255, 0], [255, 1]];
        let hash = |bytes: &[u8; 2]| {
            let mut hasher = KeyHash.build_hasher();
            hasher.write(bytes);
            hasher.finish()
        };
        let hashes: HashSet<_> = texts.iter().map(hash).collect();
        assert_eq!(hashes.len(), texts.len());
    }
}
