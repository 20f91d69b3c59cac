//! The presets for language models, at the speed at which the demonstration lets time pass.
//!
//! A program of yours has no need of this file: it writes `RetryConfig::llm()`.

use std::time::Duration;

use tta::{
    Backoff, BulkheadConfig, CircuitBreakerConfig, HealthAware, HedgeConfig, RateLimitConfig,
    RetryBudget, RetryConfig, TimeoutConfig, Window,
};

use crate::positive::Positive;

/// Durations of the assistant, at a speed.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    speed: Positive,
}

impl Pace {
    /// Time that passes this many times as fast.
    pub fn new(speed: Positive) -> Self {
        Self { speed }
    }

    /// So long at normal speed; never less than timers can tell apart.
    pub fn of(self, duration: Duration) -> Duration {
        self.speed.compress(duration).max(SHORTEST)
    }

    /// How long a caller waits for one attempt.
    pub fn patience(self) -> TimeoutConfig {
        TimeoutConfig::new(self.of(Duration::from_secs(30)))
    }

    /// As [`RetryConfig::llm`]; but whoever asks for more than 5 s is not waited for, since somebody
    /// sits in front of the screen.
    pub fn retry(self, budget: &RetryBudget) -> RetryConfig {
        let seconds = |n| self.of(Duration::from_secs(n));
        RetryConfig::new(4)
            .with_backoff(Backoff::full_jitter(seconds(1), seconds(30)))
            .with_max_retry_after(seconds(5))
            .with_attempt_time(seconds(1))
            .with_budget(budget)
    }

    /// As [`HedgeConfig::llm`].
    pub fn hedge(self) -> HedgeConfig {
        HedgeConfig::new(self.of(Duration::from_secs(10)))
    }

    /// As [`CircuitBreakerConfig::llm`].
    pub fn breaker(self) -> CircuitBreakerConfig {
        CircuitBreakerConfig::llm()
            .with_failure_rate(0.5, Window::Count(20))
            .with_slow_calls(self.of(Duration::from_mins(1)), 0.5)
            .with_wait(self.of(Duration::from_secs(15)))
            .with_wait_growth(2.0, self.of(Duration::from_mins(5)))
    }

    /// As many at once as one process of this assistant may have under way with one provider.
    pub fn bulkhead(self) -> BulkheadConfig {
        BulkheadConfig::new(32)
            .with_queue(64)
            .with_queue_timeout(self.of(Duration::from_secs(10)))
    }

    /// What the provider grants.
    pub fn quota(self) -> RateLimitConfig {
        RateLimitConfig::new(600, self.of(Duration::from_mins(1)))
            .with_burst(60)
            .with_queue(120)
            .with_queue_timeout(self.of(Duration::from_secs(10)))
    }

    /// As [`HealthAware::llm`].
    pub fn healthy<S>(self, strategy: S) -> HealthAware<S> {
        HealthAware::llm(strategy).with_cooldown(self.of(Duration::from_secs(30)))
    }
}

/// How long an answer stays good, at normal speed.
pub const FRESHNESS: Duration = Duration::from_hours(1);

const SHORTEST: Duration = Duration::from_millis(1);
