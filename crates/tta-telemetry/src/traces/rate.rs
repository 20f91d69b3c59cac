//! So many a second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A bucket of tokens, one for each trace, that is filled at a steady rate and holds what comes in
/// a second, or one token where that is less.
///
/// It is a single word: the time at which the bucket would be full again. The clock is the
/// monotonic one.
#[derive(Debug)]
pub(super) struct TokenBucket {
    made: Instant,
    /// Nanoseconds in which a token comes.
    interval: u64,
    /// How far ahead of now the word may be for a token to be there.
    tolerance: u64,
    full_at: AtomicU64,
}

impl TokenBucket {
    /// A full bucket; none for a rate that is not above zero.
    pub(super) fn new(per_second: f64) -> Option<Self> {
        if per_second.is_nan() || per_second <= 0.0 {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "above zero, and what is beyond the type's range is taken as its end"
        )]
        let (interval, capacity) = (
            (1e9 / per_second).max(1.0) as u64,
            per_second.max(1.0) as u64,
        );
        Some(Self {
            made: Instant::now(),
            interval,
            tolerance: interval.saturating_mul(capacity - 1),
            full_at: AtomicU64::new(0),
        })
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&self) -> bool {
        let since = self.made.elapsed().as_nanos();
        self.take_at(u64::try_from(since).unwrap_or(u64::MAX))
    }

    fn take_at(&self, now: u64) -> bool {
        let take = |full_at: u64| {
            let full_at = full_at.max(now);
            (full_at - now <= self.tolerance).then(|| full_at.saturating_add(self.interval))
        };
        self.full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn taken(bucket: &TokenBucket, now: u64) -> usize {
        (0..1_000).filter(|_| bucket.take_at(now)).count()
    }

    #[test]
    fn a_full_bucket_holds_what_comes_in_a_second_and_fills_steadily() {
        let bucket = TokenBucket::new(5.0).unwrap_or_else(|| panic!("5 is a rate"));
        assert_eq!(taken(&bucket, 0), 5);
        assert_eq!(taken(&bucket, SECOND / 5 - 1), 0);
        assert_eq!(taken(&bucket, SECOND / 5), 1);
        assert_eq!(taken(&bucket, 3 * SECOND / 5), 2);
        assert_eq!(taken(&bucket, 100 * SECOND), 5);
    }

    #[test]
    fn less_than_one_a_second_is_one_at_a_time() {
        let bucket = TokenBucket::new(0.5).unwrap_or_else(|| panic!("0.5 is a rate"));
        assert_eq!(taken(&bucket, 0), 1);
        assert_eq!(taken(&bucket, 2 * SECOND - 1), 0);
        assert_eq!(taken(&bucket, 2 * SECOND), 1);
        assert_eq!(taken(&bucket, 60 * SECOND), 1);
    }

    #[test]
    fn a_rate_that_is_none_has_no_bucket() {
        for rate in [0.0, -1.0, f64::NAN] {
            assert!(TokenBucket::new(rate).is_none());
        }
        let endless = TokenBucket::new(f64::INFINITY).unwrap_or_else(|| panic!("it is a rate"));
        assert_eq!(taken(&endless, 0), 1_000);
    }
}
