//! The hash of keys in memory.

/// SipHash-1-3 of 128 bits, over whole words.
///
/// What is written in words needs no room for halves of them, and of what a hash of a key of some
/// twenty bytes costs, that was a third.
///
/// Source: Aumasson, Bernstein, "`SipHash`: a fast short-input PRF", INDOCRYPT 2012, and the 128-bit
/// variant of its reference implementation.
#[derive(Clone, Copy)]
pub(crate) struct SipHash {
    state: State,
    words: u64,
}

#[derive(Clone, Copy)]
struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl SipHash {
    /// Keyed with a secret of two words.
    #[inline]
    pub(crate) fn with_secret(first: u64, second: u64) -> Self {
        Self {
            state: State {
                v0: first ^ 0x736f_6d65_7073_6575,
                v1: second ^ 0x646f_7261_6e64_6f6d ^ 0xee,
                v2: first ^ 0x6c79_6765_6e65_7261,
                v3: second ^ 0x7465_6462_7974_6573,
            },
            words: 0,
        }
    }

    /// Takes eight bytes, the first of them the lowest of the word.
    #[inline]
    pub(crate) fn write(&mut self, word: u64) {
        self.words = self.words.wrapping_add(1);
        self.state.take(word);
    }

    /// The hash of what has been written.
    #[inline]
    pub(crate) fn finish(&self) -> u128 {
        let mut state = self.state;
        // The number of bytes, of which eight bits are kept, above none that are left over.
        state.take(self.words << (56 + 3));
        state.v2 ^= 0xee;
        let low = state.drawn();
        state.v1 ^= 0xdd;
        let high = state.drawn();
        u128::from(low) | (u128::from(high) << 64)
    }
}

impl State {
    #[inline]
    fn take(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.v0 ^= word;
    }

    #[inline]
    fn drawn(&mut self) -> u64 {
        self.round();
        self.round();
        self.round();
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }

    #[inline]
    fn round(&mut self) {
        let Self { v0, v1, v2, v3 } = self;
        *v0 = v0.wrapping_add(*v1);
        *v2 = v2.wrapping_add(*v3);
        *v1 = v1.rotate_left(13) ^ *v0;
        *v3 = v3.rotate_left(16) ^ *v2;
        *v0 = v0.rotate_left(32).wrapping_add(*v3);
        *v2 = v2.wrapping_add(*v1);
        *v3 = v3.rotate_left(21) ^ *v0;
        *v1 = v1.rotate_left(17) ^ *v2;
        *v2 = v2.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher as _;

    use siphasher::sip128::{Hasher128 as _, SipHasher13};

    use super::*;

    #[test]
    fn it_is_what_an_independent_implementation_makes_of_the_same_bytes() {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = || {
            // A word that differs in all its bits from the one before; no more is asked of it.
            random = random.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(1);
            random ^ (random >> 29)
        };
        for words in (0..70).chain([8_192]) {
            let (first, second) = (next(), next());
            let mut ours = SipHash::with_secret(first, second);
            let mut theirs = SipHasher13::new_with_keys(first, second);
            for _ in 0..words {
                let word = next();
                ours.write(word);
                theirs.write(&word.to_le_bytes());
            }
            assert_eq!(ours.finish(), theirs.finish128().as_u128(), "{words} words");
        }
    }
}
