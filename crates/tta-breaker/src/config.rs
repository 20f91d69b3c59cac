//! When a breaker opens, and how it comes back.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tta_core::{Clock, Error, ErrorKind, Result};

use crate::failure::is_failure;
use crate::window::{SLOTS, Window};

/// When a [`CircuitBreaker`](crate::CircuitBreaker) opens, and how it comes back.
///
/// Name at least one reason to open; of several, the first that holds opens it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_breaker::{CircuitBreaker, CircuitBreakerConfig, Window};
///
/// let config = CircuitBreakerConfig::new()
///     .with_consecutive_failures(5)
///     .with_failure_rate(0.5, Window::Time(Duration::from_secs(30)))
///     .with_minimum_throughput(20)
///     .with_wait(Duration::from_secs(5));
/// let breaker = CircuitBreaker::new("provider", config)?;
/// # Ok::<(), tta_core::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct CircuitBreakerConfig {
    pub(crate) criteria: Criteria,
    pub(crate) counts: Arc<Predicate>,
    pub(crate) clock: Clock,
}

pub(crate) type Predicate = dyn Fn(&Error) -> bool + Send + Sync;

/// The numbers of a configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Criteria {
    pub(crate) consecutive_failures: Option<u32>,
    pub(crate) window: Option<Window>,
    pub(crate) failure_rate: Option<f64>,
    pub(crate) slow_call_rate: Option<f64>,
    /// From how long on a call is slow.
    pub(crate) slow_from: Option<Duration>,
    pub(crate) minimum_throughput: u32,
    pub(crate) wait: Duration,
    pub(crate) growth: f64,
    pub(crate) longest_wait: Duration,
    pub(crate) probes: u32,
    pub(crate) required_successes: u32,
}

impl CircuitBreakerConfig {
    /// No reason to open yet; a wait of 5 seconds, one probe at a time, one success to close.
    pub fn new() -> Self {
        Self {
            criteria: Criteria {
                consecutive_failures: None,
                window: None,
                failure_rate: None,
                slow_call_rate: None,
                slow_from: None,
                minimum_throughput: 20,
                wait: Duration::from_secs(5),
                growth: 1.0,
                longest_wait: Duration::from_mins(1),
                probes: 1,
                required_successes: 1,
            },
            counts: Arc::new(is_failure),
            clock: Instant::now,
        }
    }

    /// For services that answer in milliseconds: 5 failures in a row, which a service of little
    /// traffic reaches too, or half of at least 20 calls in 30 seconds, which a busy one reaches
    /// although successes lie between its failures. It waits 5 seconds, twice as long after each
    /// failed probe, up to a minute.
    pub fn standard() -> Self {
        Self::new()
            .with_consecutive_failures(5)
            .with_failure_rate(0.5, Window::Time(Duration::from_secs(30)))
            .with_wait_growth(2.0, Duration::from_mins(1))
    }

    /// For calls to language models, which are few, dear and take seconds: 5 failures in a row, or
    /// half of the last 20 calls, counted and not timed because a minute may bring three; and
    /// half of them slower than 60 seconds, which is how an overloaded provider fails first. It
    /// waits 15 seconds, since trouble of a provider lasts minutes and each probe keeps a user
    /// waiting, twice as long after each failed probe, up to 5 minutes; two successes close it.
    pub fn llm() -> Self {
        Self::new()
            .with_consecutive_failures(5)
            .with_failure_rate(0.5, Window::Count(20))
            .with_slow_calls(Duration::from_mins(1), 0.5)
            .with_minimum_throughput(10)
            .with_wait(Duration::from_secs(15))
            .with_wait_growth(2.0, Duration::from_mins(5))
            .with_required_successes(2)
    }

    /// Opens when so many calls in a row have failed.
    pub const fn with_consecutive_failures(mut self, failures: u32) -> Self {
        self.criteria.consecutive_failures = Some(failures);
        self
    }

    /// Opens when at least this share of the calls in the window has failed. Looked at when a call
    /// fails, and once the window holds the [minimum throughput](Self::with_minimum_throughput).
    pub const fn with_failure_rate(mut self, share: f64, window: Window) -> Self {
        self.criteria.failure_rate = Some(share);
        self.criteria.window = Some(window);
        self
    }

    /// Opens when at least this share of the calls in the window took this long or longer, however
    /// they ended. The window is that of the failure rate, or [`with_window`](Self::with_window)'s.
    ///
    /// A probe that is slow counts as failed.
    pub const fn with_slow_calls(mut self, from: Duration, share: f64) -> Self {
        self.criteria.slow_from = Some(from);
        self.criteria.slow_call_rate = Some(share);
        self
    }

    /// The window that rates are taken over, for slow calls without a failure rate.
    pub const fn with_window(mut self, window: Window) -> Self {
        self.criteria.window = Some(window);
        self
    }

    /// How many calls the window must hold before its rates count; 20 by default.
    pub const fn with_minimum_throughput(mut self, calls: u32) -> Self {
        self.criteria.minimum_throughput = calls;
        self
    }

    /// How long an open breaker rejects before it admits a probe; 5 seconds by default.
    pub const fn with_wait(mut self, wait: Duration) -> Self {
        self.criteria.wait = wait;
        self
    }

    /// Multiplies the wait after each failed probe, until the breaker has closed again; and how
    /// long it gets at most, a `retry_after` of the failing call included. By default it does not
    /// grow, and a `retry_after` is honoured up to a minute.
    pub const fn with_wait_growth(mut self, factor: f64, longest: Duration) -> Self {
        self.criteria.growth = factor;
        self.criteria.longest_wait = longest;
        self
    }

    /// How many probes a half-open breaker admits at once; 1 by default.
    pub const fn with_probes(mut self, probes: u32) -> Self {
        self.criteria.probes = probes;
        self
    }

    /// How many probes must succeed before the breaker closes; 1 by default.
    pub const fn with_required_successes(mut self, successes: u32) -> Self {
        self.criteria.required_successes = successes;
        self
    }

    /// Which errors count as failures, instead of those of the kinds that speak of the other side's
    /// health: `Other`, `RateLimited`, `Unavailable`, `Timeout` and `Panic`.
    ///
    /// An error that does not count is an answer, and so a success, unless the call never got
    /// through: `Configuration`, `Cancelled` and `Rejected` are neither.
    pub fn with_failure_if(
        mut self,
        counts: impl Fn(&Error) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.counts = Arc::new(counts);
        self
    }

    /// The clock of permits that are acquired by hand, instead of [`Instant::now`]; a primitive goes
    /// by the clock of its context.
    pub const fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    pub(crate) fn validated(self) -> Result<Self> {
        self.criteria.validate()?;
        Ok(self)
    }
}

impl Default for CircuitBreakerConfig {
    /// The [standard](Self::standard) one.
    fn default() -> Self {
        Self::standard()
    }
}

impl fmt::Debug for CircuitBreakerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerConfig")
            .field("criteria", &self.criteria)
            .finish_non_exhaustive()
    }
}

impl Criteria {
    fn validate(&self) -> Result<()> {
        let rates = [self.failure_rate, self.slow_call_rate];
        let has_rate = rates.iter().any(Option::is_some);
        if self.consecutive_failures.is_none() && !has_rate {
            return refuse(
                "a breaker without a reason to open never does; give it a number of consecutive \
                 failures, a failure rate or a rate of slow calls",
            );
        }
        if self.consecutive_failures == Some(0) {
            return refuse("no failure in a row is no reason to open; give a number above zero");
        }
        if rates
            .into_iter()
            .flatten()
            .any(|share| !(share > 0.0 && share <= 1.0))
        {
            return refuse("a rate is a share of the calls; give one above 0 and up to 1");
        }
        if self.slow_from.is_some_and(|from| from.is_zero()) {
            return refuse(
                "every call takes longer than nothing; give slow calls a time above zero",
            );
        }
        self.validate_window(has_rate)?;
        self.validate_recovery()
    }

    fn validate_window(&self, has_rate: bool) -> Result<()> {
        match self.window {
            None if has_rate => {
                return refuse("a rate needs calls to be taken over; give the breaker a window");
            }
            Some(_) if !has_rate => {
                return refuse("a window without a rate has no effect; give a rate, or no window");
            }
            Some(Window::Time(time)) if (time / SLOTS).is_zero() => {
                return refuse("a window of no time holds no calls; give it a time above 10 ns");
            }
            Some(Window::Count(calls)) if !(1..=LARGEST_WINDOW).contains(&calls) => {
                return refuse(
                    "a window of calls holds 1 to 1,000,000 of them; give such a number",
                );
            }
            Some(Window::Count(calls)) if self.minimum_throughput > calls => {
                return refuse(
                    "a window that holds fewer calls than the minimum throughput never opens the \
                     breaker; give it more calls, or lower the minimum",
                );
            }
            _ => {}
        }
        if has_rate && self.minimum_throughput == 0 {
            return refuse("a rate of no calls says nothing; give a minimum throughput above zero");
        }
        Ok(())
    }

    fn validate_recovery(&self) -> Result<()> {
        if self.wait.is_zero() {
            return refuse("a breaker that does not wait is never open; give a wait above zero");
        }
        if !(self.growth >= 1.0 && self.growth.is_finite()) {
            return refuse("a wait grows by a factor of 1 or more; give such a factor");
        }
        if self.probes == 0 || self.required_successes == 0 {
            return refuse(
                "a breaker closes by what probes find; give one probe and one success at least",
            );
        }
        Ok(())
    }
}

fn refuse(message: &'static str) -> Result<()> {
    Err(Error::new(ErrorKind::Configuration, message))
}

/// Each call of a count window is kept, at two bytes.
const LARGEST_WINDOW: u32 = 1_000_000;
