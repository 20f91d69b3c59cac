//! How long calls have taken lately.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A percentile of durations in which later ones weigh more: half of the weight lies with the last
/// 350 or so. It is too large by a sixteenth at most and never too small, so that hedges rather
/// come late.
///
/// # Source
///
/// [Forward decay](https://dimacs.rutgers.edu/~graham/pubs/papers/fwddecay.pdf), Cormode et al.,
/// 2009, by number of samples rather than by time.
#[derive(Debug)]
pub(crate) struct Latency {
    share: f64,
    min_samples: u64,
    seen: Mutex<Seen>,
    /// In nanoseconds, as of a few samples ago; zero while there are too few of them.
    percentile: AtomicU64,
}

#[derive(Debug)]
struct Seen {
    weights: Box<[f64]>,
    total: f64,
    /// The weight of the next sample.
    next: f64,
    samples: u64,
}

impl Latency {
    pub(crate) fn new(share: f64, min_samples: u64) -> Self {
        Self {
            share,
            min_samples: min_samples.max(1),
            seen: Mutex::new(Seen {
                weights: vec![0.0; BUCKETS].into(),
                total: 0.0,
                next: 1.0,
                samples: 0,
            }),
            percentile: AtomicU64::new(0),
        }
    }

    pub(crate) fn record(&self, duration: Duration) {
        // No code of the user runs under the lock.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.record(duration);
        let enough = seen.samples.checked_sub(self.min_samples);
        if enough.is_some_and(|beyond| beyond % BETWEEN == 0) {
            let percentile = seen.percentile(self.share);
            self.percentile.store(percentile, Ordering::Relaxed);
        }
    }

    /// None while too few have been seen.
    pub(crate) fn percentile(&self) -> Option<Duration> {
        match self.percentile.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }
}

impl Seen {
    fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        if let Some(weight) = self.weights.get_mut(bucket(nanos)) {
            *weight += self.next;
        }
        self.total += self.next;
        self.samples += 1;
        self.next *= GROWTH;
        if self.next > HEAVIEST {
            self.rescale();
        }
    }

    fn percentile(&self, share: f64) -> u64 {
        let wanted = self.total * share;
        let mut below = 0.0;
        for (index, weight) in self.weights.iter().enumerate() {
            below += weight;
            if below >= wanted {
                return upper_end(index);
            }
        }
        u64::MAX
    }

    /// The same proportions in smaller numbers.
    fn rescale(&mut self) {
        let by = self.next;
        for weight in &mut self.weights {
            *weight /= by;
        }
        self.total = self.weights.iter().sum();
        self.next = 1.0;
    }
}

/// Sixteen buckets to each power of two.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the first is below 16, as is the second"
)]
const fn bucket(nanos: u64) -> usize {
    if nanos < 16 {
        return nanos as usize;
    }
    let exponent = nanos.ilog2();
    let sixteenth = (nanos >> (exponent - 4)) & 15;
    (exponent as usize - 3) * 16 + sixteenth as usize
}

/// The largest number of nanoseconds in a bucket.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the end of the last bucket is the largest number of 64 bits"
)]
const fn upper_end(bucket: usize) -> u64 {
    if bucket < 16 {
        return bucket as u64;
    }
    let (exponent, sixteenth) = (bucket / 16 + 3, bucket as u128 % 16);
    let end = ((16 + sixteenth + 1) << (exponent - 4)) - 1;
    end as u64
}

const BUCKETS: usize = 976;

/// Every sample weighs so much more than the one before it.
const GROWTH: f64 = 1.002;

/// Well below what a sum of numbers of this type can hold.
const HEAVIEST: f64 = 1e100;

/// After so many samples the percentile is found anew.
const BETWEEN: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// The 95th percentile after so many calls of a millisecond and 4,000 of eight.
    fn after(calls: usize) -> Duration {
        let latency = Latency::new(0.95, 20);
        for _ in 0..calls {
            latency.record(MS);
        }
        for _ in 0..4_000 {
            latency.record(MS * 8);
        }
        latency.percentile().unwrap()
    }

    #[test]
    fn the_latest_calls_weigh_most_however_many_came_before() {
        // Weights are made smaller after 115,000 calls, and are too large for a number after 355,000.
        for calls in [100, 114_000, 116_000, 360_000] {
            let percentile = after(calls);
            assert!(
                (MS * 8..MS * 9).contains(&percentile),
                "{percentile:?} after {calls}"
            );
        }
    }

    #[test]
    fn a_few_calls_of_another_kind_change_little_however_many_came_before() {
        let latency = Latency::new(0.95, 20);
        for _ in 0..116_000 {
            latency.record(MS);
        }
        for _ in 0..16 {
            latency.record(MS * 8);
        }
        let percentile = latency.percentile().unwrap();
        assert!((MS..MS * 2).contains(&percentile), "{percentile:?}");
    }
}
