//! How long to wait before the next attempt.

use std::ops::RangeInclusive;
use std::time::Duration;

use tta_core::{Error, ErrorKind, Result};

use crate::random::Random;

/// How long to wait before the next attempt, as the attempts go on.
///
/// Every wait lies between the base and the cap, however many attempts there are.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_retry::{Backoff, RetryConfig};
///
/// let backoff = Backoff::full_jitter(Duration::from_millis(100), Duration::from_secs(20));
/// let config = RetryConfig::new(3).with_backoff(backoff);
/// ```
///
/// # Source
///
/// [Exponential Backoff And Jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/),
/// AWS Architecture Blog. There full jitter may wait for next to nothing; here it waits for the base
/// at least, so that no caller hits a struggling service again at once.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Backoff {
    shape: Shape,
    base: Duration,
    cap: Duration,
    factor: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Constant,
    Exponential,
    FullJitter,
    Decorrelated,
}

impl Backoff {
    /// The same wait every time; none at all if it is zero.
    ///
    /// Callers that failed together try again together: prefer jitter where there are many.
    pub const fn constant(wait: Duration) -> Self {
        Self::new(Shape::Constant, wait, wait)
    }

    /// The base before the first retry, then [factor](Self::with_factor) times the last wait, up to
    /// the cap. Without jitter, so good for one caller only.
    pub const fn exponential(base: Duration, cap: Duration) -> Self {
        Self::new(Shape::Exponential, base, cap)
    }

    /// Anything between the base and an upper end that grows exponentially up to the cap: twice the
    /// base before the first retry.
    pub const fn full_jitter(base: Duration, cap: Duration) -> Self {
        Self::new(Shape::FullJitter, base, cap)
    }

    /// Anything between the base and three times the last wait, up to the cap. It grows more slowly
    /// than [`full_jitter`](Self::full_jitter) for some callers and faster for others.
    pub const fn decorrelated_jitter(base: Duration, cap: Duration) -> Self {
        let mut backoff = Self::new(Shape::Decorrelated, base, cap);
        backoff.factor = 3.0;
        backoff
    }

    /// By how much waits grow; 2 by default, and 3 for decorrelated jitter.
    pub const fn with_factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// Between what the wait before a retry lies, counted from 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tta_retry::Backoff;
    ///
    /// let (base, cap) = (Duration::from_millis(100), Duration::from_secs(20));
    /// let backoff = Backoff::full_jitter(base, cap);
    /// assert_eq!(backoff.range(2), base..=Duration::from_millis(400));
    /// assert_eq!(backoff.range(64), base..=cap);
    /// ```
    pub fn range(&self, retry: u32) -> RangeInclusive<Duration> {
        match self.shape {
            Shape::Constant => self.base..=self.base,
            Shape::Exponential => {
                let wait = self.grown(retry.saturating_sub(1));
                wait..=wait
            }
            Shape::FullJitter | Shape::Decorrelated => self.base..=self.grown(retry),
        }
    }

    /// The wait before this retry, counted from 1, after `last` was waited before the retry ahead of
    /// it.
    pub(crate) fn wait(&self, retry: u32, last: Option<Duration>, random: &Random) -> Duration {
        let (shortest, mut longest) = self.range(retry).into_inner();
        if self.shape == Shape::Decorrelated {
            longest = self.scaled(last.unwrap_or(self.base), self.factor);
        }
        random.between(shortest, longest)
    }

    /// The shortest wait.
    pub(crate) const fn base(&self) -> Duration {
        self.base
    }

    /// What is added to a wait that somebody else named, so that those who were given the same one
    /// do not come back at once.
    pub(crate) fn spread(&self, random: &Random) -> Duration {
        match self.shape {
            Shape::Constant | Shape::Exponential => Duration::ZERO,
            Shape::FullJitter | Shape::Decorrelated => random.between(Duration::ZERO, self.base),
        }
    }

    pub(crate) fn validated(self) -> Result<Self> {
        let wrong = |message: String| Err(Error::new(ErrorKind::Configuration, message));
        if self.base.is_zero() && self.shape != Shape::Constant {
            return wrong(
                "a backoff that starts from zero never grows; give it a base above zero".to_owned(),
            );
        }
        if self.cap < self.base {
            let (cap, base) = (self.cap, self.base);
            return wrong(format!(
                "a backoff with a cap of {cap:?} cannot wait for its base of {base:?}; give it a \
                 cap that is no shorter"
            ));
        }
        if !(self.factor.is_finite() && self.factor >= 1.0) {
            let factor = self.factor;
            return wrong(format!(
                "waits cannot grow by a factor of {factor}; give a backoff a factor of 1 or more"
            ));
        }
        Ok(self)
    }

    const fn new(shape: Shape, base: Duration, cap: Duration) -> Self {
        Self {
            shape,
            base,
            cap,
            factor: 2.0,
        }
    }

    /// The base, grown so many times, up to the cap.
    fn grown(&self, times: u32) -> Duration {
        let times = i32::try_from(times).unwrap_or(i32::MAX);
        self.scaled(self.base, self.factor.powi(times))
    }

    /// What is too long for a duration, or infinite, is beyond any cap.
    fn scaled(&self, wait: Duration, by: f64) -> Duration {
        let scaled = Duration::try_from_secs_f64(wait.as_secs_f64() * by);
        scaled.unwrap_or(Duration::MAX).clamp(self.base, self.cap)
    }
}
