//! How long a value answers, and in what circumstances.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// What the configuration says about the age of values.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ageing {
    pub(crate) ttl: Option<Duration>,
    pub(crate) negative_ttl: Option<Duration>,
    /// By what share at most a time to live is cut short.
    pub(crate) jitter: f64,
    pub(crate) stale_while_revalidate: Duration,
    pub(crate) stale_if_error: Duration,
    /// How eagerly a value is computed anew before its time; not at all at zero.
    pub(crate) early: f64,
}

/// How long one value answers, counted from when it was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime {
    pub(crate) fresh: Option<Duration>,
    pub(crate) kept: Option<Duration>,
}

/// What a value is good for at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Fresh,
    /// Fresh as far as memory knows: it answers if the tier behind it cannot be asked.
    Unchecked,
    /// It answers once more while it is computed anew.
    Stale,
    /// It answers only if computing fails.
    Spent,
    Expired,
}

impl Ageing {
    /// The lifetime of a value that is computed now.
    pub(crate) fn lifetime(&self, negative: bool) -> Lifetime {
        let ttl = match self.negative_ttl {
            Some(negative_ttl) if negative => Some(negative_ttl),
            _ => self.ttl,
        };
        let fresh = ttl.map(|ttl| {
            if self.jitter > 0.0 {
                ttl.mul_f64(1.0 - self.jitter * random_share())
            } else {
                ttl
            }
        });
        let longer = self.stale_while_revalidate.max(self.stale_if_error);
        Lifetime {
            fresh,
            kept: fresh.map(|fresh| fresh.saturating_add(longer)),
        }
    }

    /// What a value is good for that stopped being fresh this long ago.
    pub(crate) fn age(&self, overdue: Duration) -> Age {
        if overdue < self.stale_while_revalidate {
            Age::Stale
        } else if overdue < self.stale_if_error {
            Age::Spent
        } else {
            Age::Expired
        }
    }

    /// Whether a fresh value is to be computed anew already: the likelier, the nearer its end and
    /// the longer its computation takes, so that of many readers one does it in time.
    ///
    /// Source: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention",
    /// VLDB 2015.
    pub(crate) fn is_due_early(&self, took: Duration, fresh_until: Instant, now: Instant) -> bool {
        if self.early <= 0.0 {
            return false;
        }
        let left = fresh_until.saturating_duration_since(now).as_secs_f64();
        let lead = took.as_secs_f64() * self.early * -(1.0 - random_share()).ln();
        lead >= left
    }
}

/// Evenly between 0 and 1, 1 excluded. Good enough to spread work, and for nothing else.
pub(crate) fn random_share() -> f64 {
    let step = |state: &Cell<u64>| {
        // SplitMix64.
        let next = state.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        state.set(next);
        let mixed = (next ^ (next >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let bits = RANDOM.try_with(step).unwrap_or(u64::MAX / 2);
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

thread_local! {
    static RANDOM: Cell<u64> = Cell::new(RandomState::new().hash_one(0_u8));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_the_generator_as_published() {
        RANDOM.set(0);
        let first: [u64; 3] = [
            0xE220_A839_7B1D_CDAF,
            0x6E78_9E6A_A1B9_65F4,
            0x06C4_5D18_8009_454F,
        ];
        for bits in first {
            // The upper 53 bits as a fraction, which is exact.
            let expected = (bits >> 11) as f64 * 2.0_f64.powi(-53);
            assert_eq!(random_share().to_bits(), expected.to_bits());
        }
    }

    #[test]
    fn shares_fall_evenly_into_every_tenth() {
        let shares: Vec<f64> = (0..10_000).map(|_| random_share()).collect();
        assert!(shares.iter().all(|share| (0.0..1.0).contains(share)));
        let tenths = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map(|from| {
            let inside = |share: &&f64| (from..from + 0.1).contains(*share);
            shares.iter().filter(inside).count()
        });
        // Ten standard deviations.
        assert!(
            tenths.iter().all(|count| (700..1_300).contains(count)),
            "{tenths:?}"
        );
    }
}
