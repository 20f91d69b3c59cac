//! How often, how soon and how much to retry.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tta_core::{Error, ErrorKind, Result};

use crate::backoff::Backoff;
use crate::budget::RetryBudget;
use crate::policy::RetryPolicy;

/// The options of a [`RetryPrimitive`](crate::RetryPrimitive).
///
/// A plain number converts into that many retries of the [`standard`](Self::standard) kind.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_retry::{Backoff, RetryConfig};
///
/// let config = RetryConfig::new(2)
///     .with_backoff(Backoff::constant(Duration::from_millis(50)))
///     .with_max_retry_after(Duration::from_secs(5));
/// ```
#[derive(Clone)]
#[must_use]
pub struct RetryConfig {
    pub(crate) max_retries: u32,
    pub(crate) backoff: Backoff,
    pub(crate) max_retry_after: Duration,
    pub(crate) attempt_time: Duration,
    pub(crate) budget: BudgetChoice,
    pub(crate) policy: Option<Arc<dyn RetryPolicy>>,
    pub(crate) seed: Option<u64>,
}

/// Which budget a primitive draws on.
#[derive(Clone, Debug)]
pub(crate) enum BudgetChoice {
    /// One of its own, made with it.
    Own,
    Shared(RetryBudget),
    Unlimited,
}

impl RetryConfig {
    /// At most so many retries, that is, one attempt more; otherwise as [`standard`](Self::standard).
    pub const fn new(max_retries: u32) -> Self {
        Self {
            max_retries,
            backoff: Backoff::full_jitter(Duration::from_millis(100), Duration::from_secs(20)),
            max_retry_after: Duration::from_mins(1),
            attempt_time: Duration::ZERO,
            budget: BudgetChoice::Own,
            policy: None,
            seed: None,
        }
    }

    /// For calls between services: 3 retries with full jitter from 100 ms, so that what ends within a
    /// second or so is bridged and the caller still has an answer in time.
    pub const fn standard() -> Self {
        Self::new(3)
    }

    /// For calls of a model: 4 retries with full jitter from 1 s up to 30 s, since providers are
    /// overloaded for seconds and limit requests by the minute, and no retry where less than a
    /// second is left before the deadline, in which no model answers.
    pub const fn llm() -> Self {
        let mut config = Self::new(4);
        config.backoff = Backoff::full_jitter(Duration::from_secs(1), Duration::from_secs(30));
        config.attempt_time = Duration::from_secs(1);
        config
    }

    /// How many retries there are at most; with none every error is given back.
    pub const fn with_max_retries(mut self, max_retries: u32) -> Self {
        self.max_retries = max_retries;
        self
    }

    /// How long to wait before each retry; full jitter from 100 ms up to 20 s by default.
    pub const fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How long the other side may ask to wait; a minute by default. An error that asks for more is
    /// given back at once, since coming earlier than asked is of no use.
    pub const fn with_max_retry_after(mut self, most: Duration) -> Self {
        self.max_retry_after = most;
        self
    }

    /// How long an attempt takes at least; nothing by default. A retry with less than this left
    /// before the deadline is not begun, and not waited for.
    pub const fn with_attempt_time(mut self, least: Duration) -> Self {
        self.attempt_time = least;
        self
    }

    /// Draws on this budget, together with all who have a handle to it. By default each primitive
    /// has a [default](RetryBudget::default) one of its own.
    pub fn with_budget(mut self, budget: &RetryBudget) -> Self {
        self.budget = BudgetChoice::Shared(budget.clone());
        self
    }

    /// Retries without a budget. Where many callers fail at once this multiplies the load on what
    /// they call; for jobs of which there is one.
    pub fn without_budget(mut self) -> Self {
        self.budget = BudgetChoice::Unlimited;
        self
    }

    /// Asks this policy whether to try again, instead of the error alone.
    pub fn with_policy(mut self, policy: impl RetryPolicy + 'static) -> Self {
        self.policy = Some(Arc::new(policy));
        self
    }

    /// Draws the same waits in every run, for tests.
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    pub(crate) fn validated(mut self) -> Result<Self> {
        self.backoff = self.backoff.validated()?;
        Ok(self)
    }
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self::standard()
    }
}

impl From<u32> for RetryConfig {
    fn from(max_retries: u32) -> Self {
        Self::new(max_retries)
    }
}

impl fmt::Debug for RetryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryConfig")
            .field("max_retries", &self.max_retries)
            .field("backoff", &self.backoff)
            .field("budget", &self.budget)
            .field("has_policy", &self.policy.is_some())
            .finish_non_exhaustive()
    }
}

impl BudgetChoice {
    /// The budget itself, if there is one.
    pub(crate) fn resolved(&self) -> Option<RetryBudget> {
        match self {
            Self::Own => Some(RetryBudget::default()),
            Self::Shared(budget) => Some(budget.clone()),
            Self::Unlimited => None,
        }
    }
}

/// What must not run twice is neither retried nor hedged.
pub(crate) fn refuse_non_idempotent(is_idempotent: bool, name: &str, verb: &str) -> Result<()> {
    if is_idempotent {
        return Ok(());
    }
    let message = format!(
        "`{name}` is marked non-idempotent, or holds a step that is, and must not be {verb}; {verb} \
         flows may hold only steps that can run twice, so wrap those alone, or give the call an \
         idempotency key and drop the mark"
    );
    Err(Error::new(ErrorKind::Configuration, message))
}
