//! Random waits that a test can repeat.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A generator that many callers share without a lock: a counter whose steps are mixed
/// (`SplitMix64`; Steele, Lea and Flood, 2014). Waits must be spread, not secret.
#[derive(Debug)]
pub(crate) struct Random {
    state: AtomicU64,
}

impl Random {
    /// The same numbers for the same seed; others in every process without one.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let seed = seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        Self {
            state: AtomicU64::new(seed),
        }
    }

    /// A duration between the two, both included.
    pub(crate) fn between(&self, least: Duration, most: Duration) -> Duration {
        least.saturating_add(most.saturating_sub(least).mul_f64(self.share()))
    }

    /// A number from 0 up to 1.
    fn share(&self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn next(&self) -> u64 {
        let state = self.state.fetch_add(STEP, Ordering::Relaxed);
        let mut mixed = state.wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_generator_as_published() {
        let random = Random::new(Some(0));
        let numbers = [(); 3].map(|()| random.next());
        let published = [
            0xE220_A839_7B1D_CDAF,
            0x6E78_9E6A_A1B9_65F4,
            0x06C4_5D18_8009_454F,
        ];
        assert_eq!(numbers, published);
    }
}
