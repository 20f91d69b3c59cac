//! Identifiers of traces and spans, and where they come from.

use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};

/// The identifier that all spans of one trace share: 16 bytes, never zero when valid.
///
/// # Source
///
/// [W3C Trace Context](https://www.w3.org/TR/trace-context-2/#trace-id).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TraceId(u128);

/// The identifier of one span: 8 bytes, never zero when valid.
///
/// # Source
///
/// [W3C Trace Context](https://www.w3.org/TR/trace-context-2/#parent-id).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SpanId(u64);

impl TraceId {
    /// The all-zero identifier, which names no trace.
    pub const INVALID: Self = Self(0);

    /// The identifier of these 128 bits.
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// The 128 bits, in network order when written out.
    pub const fn to_u128(self) -> u128 {
        self.0
    }

    /// Whether the identifier names a trace, that is, whether it is not zero.
    pub const fn is_valid(self) -> bool {
        self.0 != 0
    }

    /// A fresh identifier, random in all its bits.
    pub fn random() -> Self {
        Self(random_u128().max(1))
    }
}

impl SpanId {
    /// The all-zero identifier, which names no span.
    pub const INVALID: Self = Self(0);

    /// The identifier of these 64 bits.
    pub const fn from_u64(bits: u64) -> Self {
        Self(bits)
    }

    /// The 64 bits, in network order when written out.
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// Whether the identifier names a span, that is, whether it is not zero.
    pub const fn is_valid(self) -> bool {
        self.0 != 0
    }

    /// A fresh identifier, random in all its bits.
    #[inline]
    pub fn random() -> Self {
        Self(next_u64().max(1))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({self})")
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanId({self})")
    }
}

/// 128 random bits of this thread's generator.
pub(crate) fn random_u128() -> u128 {
    (u128::from(random_u64()) << 64) | u128::from(random_u64())
}

/// 64 random bits of this thread's generator: xoshiro256++ (Blackman and Vigna, 2019), seeded from
/// the standard library's per-process random keys. Identifiers must be unique, not secret.
fn random_u64() -> u64 {
    GENERATOR.with(|cell| {
        let mut s = cell.get();
        if s == [0; 4] {
            s = seed();
        }
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        cell.set(s);
        result
    })
}

/// 64 bits that differ from all that this thread has had: `SplitMix64` (Steele, Lea and Flood, 2014),
/// which has one word of state and goes through every value once. A span's identifier is looked up
/// within its trace alone, so that it need not be as far from others' as a trace's.
#[inline]
fn next_u64() -> u64 {
    let mut z = SEQUENCE.get();
    if z == 0 {
        z = random_u64();
    }
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    SEQUENCE.set(z);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cold]
fn seed() -> [u64; 4] {
    // Each `RandomState` has keys of its own, so every thread starts elsewhere.
    let keys = RandomState::new();
    let word = |salt: u64| {
        let mut hasher = keys.build_hasher();
        hasher.write_u64(salt);
        hasher.finish() | 1
    };
    [word(1), word(2), word(3), word(4)]
}

thread_local! {
    static GENERATOR: Cell<[u64; 4]> = const { Cell::new([0; 4]) };
    static SEQUENCE: Cell<u64> = const { Cell::new(0) };
}
