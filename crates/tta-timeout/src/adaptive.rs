//! A limit that follows what is observed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tta_core::{Error, ErrorKind, Result, WorkflowContext};

use crate::policy::{Ending, LimitPolicy};

/// A limit that follows what is observed: a percentile of the latest durations times a factor,
/// within a range.
///
/// Until it has seen enough, the limit is the longest. A call that is cut off counts with the time
/// at which it was, so that the limit grows again when more than a percentile of the calls would be
/// cut off; an error of the operation's own, and a call that an earlier deadline ended, do not count.
///
/// A clone shares what it has seen: keep one to read the [current](Self::current) limit.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_core::step;
/// use tta_timeout::{AdaptiveLimit, TimeoutConfig, TimeoutExt};
///
/// let limit = AdaptiveLimit::between(Duration::from_millis(200), Duration::from_secs(30))
///     .with_factor(1.5);
/// let search = step("search", async |query: String| Ok(query.len()));
/// let flow = search.timeout(TimeoutConfig::from_policy(limit.clone()))?;
/// assert_eq!(limit.current(), Duration::from_secs(30));
/// # Ok::<(), tta_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AdaptiveLimit {
    shortest: Duration,
    longest: Duration,
    percentile: f64,
    factor: f64,
    minimum_percentile: Option<f64>,
    warm_up: usize,
    window: usize,
    seen: Arc<Seen>,
}

/// What the clones share.
#[derive(Debug, Default)]
struct Seen {
    /// In nanoseconds; none yet where it is zero.
    limit: AtomicU64,
    minimum: AtomicU64,
    latest: Mutex<Latest>,
}

/// The latest durations, in nanoseconds.
#[derive(Debug, Default)]
struct Latest {
    ring: Vec<u64>,
    next: usize,
    /// How many have come since the percentiles were taken.
    fresh: usize,
    /// Where they are sorted, kept to not be made each time.
    sorted: Vec<u64>,
}

impl AdaptiveLimit {
    /// A limit of twice the 99th percentile of the latest 1,000 calls, never below `shortest` and
    /// never above `longest`, which it is for the first 100 calls.
    pub fn between(shortest: Duration, longest: Duration) -> Self {
        Self {
            shortest,
            longest,
            percentile: 99.0,
            factor: 2.0,
            minimum_percentile: None,
            warm_up: 100,
            window: 1_000,
            seen: Arc::default(),
        }
    }

    /// Which percentile of the durations counts, above 0 and up to 100; 99 by default.
    pub fn with_percentile(mut self, percentile: f64) -> Self {
        self.percentile = percentile;
        self
    }

    /// How many times the percentile the limit is, 1 or more; 2 by default. At 1 the percentile's
    /// own rest is cut off for good.
    pub fn with_factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// Takes this percentile of the durations as the time a call takes at the least: with less than
    /// that left of the caller's deadline it is not started. Off by default; 5 is a good choice.
    pub fn with_minimum_percentile(mut self, percentile: f64) -> Self {
        self.minimum_percentile = Some(percentile);
        self
    }

    /// How many calls must have been seen before the limit follows them; 100 by default.
    pub fn with_warm_up(mut self, calls: usize) -> Self {
        self.warm_up = calls;
        self
    }

    /// How many of the latest calls are remembered, at 16 bytes each; 1,000 by default.
    pub fn with_window(mut self, calls: usize) -> Self {
        self.window = calls;
        self
    }

    /// The limit that a call would have now.
    pub fn current(&self) -> Duration {
        match self.seen.limit.load(Ordering::Relaxed) {
            0 => self.longest,
            nanos => Duration::from_nanos(nanos),
        }
    }

    /// Takes note of a duration, and of the percentiles when enough is new.
    fn note(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        // No code of the user runs under the lock.
        let latest = self.seen.latest.lock();
        let mut latest = latest.unwrap_or_else(PoisonError::into_inner);
        latest.push(nanos, self.window);
        let seen_enough = latest.ring.len() >= self.warm_up;
        let is_first = self.seen.limit.load(Ordering::Relaxed) == 0;
        if !seen_enough || (!is_first && latest.fresh * REFRESHES < self.window) {
            return;
        }
        let high = latest.percentile(self.percentile);
        let seconds = Duration::from_nanos(high).as_secs_f64() * self.factor;
        let limit = Duration::try_from_secs_f64(seconds).unwrap_or(self.longest);
        let limit = limit.clamp(self.shortest, self.longest).as_nanos();
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        self.seen.limit.store(limit, Ordering::Relaxed);
        if let Some(percentile) = self.minimum_percentile {
            let low = latest.percentile(percentile);
            self.seen.minimum.store(low, Ordering::Relaxed);
        }
    }
}

impl<I: ?Sized> LimitPolicy<I> for AdaptiveLimit {
    fn limit(&self, _: &I, _: &WorkflowContext) -> Duration {
        self.current()
    }

    fn minimum(&self) -> Duration {
        Duration::from_nanos(self.seen.minimum.load(Ordering::Relaxed))
    }

    fn longest(&self) -> Option<Duration> {
        Some(self.longest)
    }

    fn observe(&self, took: Duration, ending: Ending) {
        match ending {
            Ending::Success | Ending::PastLimit => self.note(took),
            // How soon something fails, or how soon its caller had to have it, says nothing about
            // how long it takes.
            Ending::Error | Ending::PastDeadline => {}
        }
    }

    fn validate(&self) -> Result<()> {
        let refuse = |message| Err(Error::new(ErrorKind::Configuration, message));
        let is_percentile = |it: f64| it > 0.0 && it <= 100.0;
        if self.shortest.is_zero() || self.shortest > self.longest {
            return refuse(
                "the range of an adaptive limit is empty or begins at zero; give it a shortest \
                 limit above zero and a longest one that is no shorter",
            );
        }
        if !is_percentile(self.percentile) || !self.minimum_percentile.is_none_or(is_percentile) {
            return refuse("a percentile is above 0 and at most 100; 99 is usual");
        }
        if !self.factor.is_finite() || self.factor < 1.0 {
            return refuse(
                "a factor below 1 cuts off what was observed to be usual; give an adaptive limit a \
                 factor of 1 or more",
            );
        }
        if self.warm_up == 0 || self.warm_up > self.window {
            return refuse(
                "an adaptive limit must have seen something, and can remember it; give it a \
                 warm-up of at least 1 and a window no smaller",
            );
        }
        Ok(())
    }
}

impl Latest {
    fn push(&mut self, nanos: u64, window: usize) {
        self.fresh += 1;
        match self.ring.get_mut(self.next) {
            Some(oldest) => *oldest = nanos,
            None => self.ring.push(nanos),
        }
        self.next = (self.next + 1) % window;
    }

    /// By nearest rank: a duration that was seen.
    fn percentile(&mut self, percentile: f64) -> u64 {
        self.fresh = 0;
        self.sorted.clone_from(&self.ring);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in a window"
        )]
        let rank = (self.ring.len() as f64 * percentile / 100.0).ceil() as usize;
        let place = rank.saturating_sub(1);
        if place >= self.sorted.len() {
            return 0;
        }
        let (_, found, _) = self.sorted.select_nth_unstable(place);
        *found
    }
}

/// How often in each window the percentiles are taken: sorting costs a few microseconds.
const REFRESHES: usize = 32;
