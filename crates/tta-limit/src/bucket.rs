//! A bucket of tokens, without any thread or waiting.

use std::time::{Duration, Instant};

/// A token bucket that is kept as one point in time: when it would be full again.
///
/// This is the generic cell rate algorithm. Time is counted in parts of a nanosecond so small that a
/// token takes a whole number of them; so a rate of 3 a second is neither faster nor slower.
///
/// # Source
///
/// ITU-T I.371, annex A.
#[derive(Debug)]
pub(crate) struct Bucket {
    began: Instant,
    /// Parts in a nanosecond: the calls of a period.
    parts: u128,
    /// Parts that one token takes to come: the nanoseconds of a period.
    interval: u128,
    burst: u128,
    /// When the bucket is full again, in parts since it began.
    full_at: u128,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(calls: u32, period: Duration, burst: u32, now: Instant) -> Self {
        Self {
            began: now,
            parts: calls.into(),
            interval: period.as_nanos(),
            burst: burst.into(),
            full_at: 0,
        }
    }

    /// Takes a token, or says how long it takes until there is one.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let wait = self.wait(now, 0);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.full_at = self.full_at.max(self.at(now)) + self.interval;
        Ok(())
    }

    /// How long it takes until there is a token for somebody who has so many before them.
    pub(crate) fn wait(&self, now: Instant, before: usize) -> Duration {
        let now = self.at(now);
        let full_at = self.full_at.max(now) + self.interval * (before as u128 + 1);
        let ready_at = full_at.saturating_sub(self.interval * self.burst);
        let nanos = ready_at.saturating_sub(now).div_ceil(self.parts);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many tokens have been taken and have not come back.
    pub(crate) fn taken(&self, now: Instant) -> u64 {
        let taken = self.full_at.saturating_sub(self.at(now));
        u64::try_from(taken.div_ceil(self.interval)).unwrap_or(u64::MAX)
    }

    fn at(&self, now: Instant) -> u128 {
        now.saturating_duration_since(self.began).as_nanos() * self.parts
    }
}
