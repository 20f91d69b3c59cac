//! How much is allowed, and how long one waits for it.

use std::time::{Duration, Instant};

use tta_core::{Clock, Error, ErrorKind, Result};

/// How many executions a [`Bulkhead`](crate::Bulkhead) admits at once, and who waits how long.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_limit::BulkheadConfig;
///
/// let config = BulkheadConfig::new(8)
///     .with_queue(32)
///     .with_queue_timeout(Duration::from_secs(2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct BulkheadConfig {
    pub(crate) capacity: usize,
    pub(crate) queue: QueueConfig,
}

/// How many calls a [`RateLimit`](crate::RateLimit) lets begin in a time, and who waits how long.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_limit::RateLimitConfig;
///
/// // 500 calls a minute, ten of them at once, and a short queue.
/// let config = RateLimitConfig::new(500, Duration::from_secs(60))
///     .with_burst(10)
///     .with_queue(20);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct RateLimitConfig {
    pub(crate) calls: u32,
    pub(crate) period: Duration,
    pub(crate) burst: Option<u32>,
    pub(crate) queue: QueueConfig,
    pub(crate) clock: Clock,
}

/// Who may wait, and how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct QueueConfig {
    pub(crate) places: usize,
    pub(crate) timeout: Option<Duration>,
}

impl BulkheadConfig {
    /// So many executions at once, and no queue.
    pub const fn new(capacity: usize) -> Self {
        Self {
            capacity,
            queue: QueueConfig {
                places: 0,
                timeout: None,
            },
        }
    }

    /// For services that answer in milliseconds: 32 at once, which keeps one slow dependency from
    /// taking every connection and all memory, and as many in the queue, each for a second at most:
    /// a burst is smoothed, and an overload becomes visible at once.
    pub const fn standard() -> Self {
        Self::new(32)
            .with_queue(32)
            .with_queue_timeout(Duration::from_secs(1))
    }

    /// For calls to language models: 8 at once, since providers limit what is under way and each
    /// call holds a stream and its memory for seconds; 16 in the queue, two rounds of calls, each
    /// for 10 seconds at most, which is as long as somebody waits for a first word.
    pub const fn llm() -> Self {
        Self::new(8)
            .with_queue(16)
            .with_queue_timeout(Duration::from_secs(10))
    }

    /// How many calls may wait for a place; none by default. Who comes first is served first.
    pub const fn with_queue(mut self, places: usize) -> Self {
        self.queue.places = places;
        self
    }

    /// How long a call may wait; until its deadline by default, or for ever if it has none.
    pub const fn with_queue_timeout(mut self, timeout: Duration) -> Self {
        self.queue.timeout = Some(timeout);
        self
    }

    pub(crate) fn validated(self) -> Result<Self> {
        if self.capacity == 0 || self.capacity > LARGEST_CAPACITY {
            return Err(refuse(
                "a bulkhead admits one execution at least, and 2^29 at most; give such a number",
            ));
        }
        self.queue.validate()?;
        Ok(self)
    }
}

impl RateLimitConfig {
    /// So many calls in each period, all of them at once if they come so, and no queue.
    pub fn new(calls: u32, period: Duration) -> Self {
        Self {
            calls,
            period,
            burst: None,
            queue: QueueConfig::default(),
            clock: Instant::now,
        }
    }

    /// So many calls a second.
    pub fn per_second(calls: u32) -> Self {
        Self::new(calls, Duration::from_secs(1))
    }

    /// So many calls a minute, as providers of models state their limits.
    pub fn per_minute(calls: u32) -> Self {
        Self::new(calls, Duration::from_mins(1))
    }

    /// For services that answer in milliseconds: 100 calls a second and no queue. What is over the
    /// limit is told when to come again, and does not pile up.
    pub fn standard() -> Self {
        Self::per_second(100)
    }

    /// For calls to language models: 60 a minute, below the lowest tier of most providers, at most
    /// 10 of them at once, since a provider that counts by the second refuses a minute's calls in
    /// one burst; 20 may wait, each for 20 seconds at most: to wait is cheaper than to be refused
    /// and come again.
    pub fn llm() -> Self {
        Self::per_minute(60)
            .with_burst(10)
            .with_queue(20)
            .with_queue_timeout(Duration::from_secs(20))
    }

    /// How many calls may begin at once after a quiet time; as many as in a period by default.
    pub const fn with_burst(mut self, calls: u32) -> Self {
        self.burst = Some(calls);
        self
    }

    /// How many calls may wait for their turn; none by default. Who comes first is served first.
    pub const fn with_queue(mut self, places: usize) -> Self {
        self.queue.places = places;
        self
    }

    /// How long a call may wait; until its deadline by default, or for ever if it has none. A call
    /// that would have to wait longer is rejected at once.
    pub const fn with_queue_timeout(mut self, timeout: Duration) -> Self {
        self.queue.timeout = Some(timeout);
        self
    }

    /// The clock of calls that ask by hand, instead of [`Instant::now`]; a primitive goes by the
    /// clock of its context.
    pub const fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    pub(crate) fn validated(self) -> Result<Self> {
        if self.calls == 0 || self.burst == Some(0) {
            return Err(refuse(
                "a rate limit lets one call begin at least; give a number and a burst above zero",
            ));
        }
        if self.period.is_zero() || self.period > LONGEST_PERIOD {
            return Err(refuse(
                "a rate is so many calls in a time; give it a period above zero and up to a year",
            ));
        }
        self.queue.validate()?;
        Ok(self)
    }
}

impl QueueConfig {
    fn validate(self) -> Result<()> {
        if self.places > LARGEST_CAPACITY {
            return Err(refuse("a queue has 2^29 places at most; give it fewer"));
        }
        match self.timeout {
            Some(_) if self.places == 0 => Err(refuse(
                "a queue timeout without a queue has no effect; give the limit a queue, or no timeout",
            )),
            Some(Duration::ZERO) => Err(refuse(
                "a queue in which nobody may wait serves nobody; give it a timeout above zero",
            )),
            _ => Ok(()),
        }
    }
}

fn refuse(message: &'static str) -> Error {
    Error::new(ErrorKind::Configuration, message)
}

/// As many as a semaphore counts on every machine.
const LARGEST_CAPACITY: usize = 1 << 29;

/// Longer ones would overflow the arithmetic, and mean nothing.
const LONGEST_PERIOD: Duration = Duration::from_hours(366 * 24);
