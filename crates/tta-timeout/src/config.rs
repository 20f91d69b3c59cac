//! How long is long enough.

use std::time::Duration;

use tta_core::{Error, ErrorKind, Result};

use crate::policy::{FixedLimit, LimitPolicy};

/// The limit of a [`TimeoutPrimitive`](crate::TimeoutPrimitive) and its options.
///
/// A plain [`Duration`] converts into a limit without options.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_timeout::TimeoutConfig;
///
/// let config = TimeoutConfig::new(Duration::from_secs(2)).with_grace(Duration::from_millis(500));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct TimeoutConfig<L = FixedLimit> {
    pub(crate) policy: L,
    pub(crate) grace: Duration,
    pub(crate) minimum: Duration,
}

impl TimeoutConfig {
    /// The same limit for each call, without a grace period.
    pub const fn new(limit: Duration) -> Self {
        Self::from_policy(FixedLimit(limit))
    }

    /// For a lookup or a tool inside a request that somebody waits for: 10 s, no grace.
    ///
    /// Ten seconds is as long as people look at something that does not move; a lookup that has not
    /// answered by then hangs, and holds a connection that others wait for.
    pub const fn standard() -> Self {
        Self::new(Duration::from_secs(10))
    }

    /// For one whole answer of a language model: 60 s and 5 s of grace.
    ///
    /// A model writes 50 to 100 tokens a second, so that a minute is enough for some 3,000 of them,
    /// more than most programs allow an answer to have; the default of the providers' own clients is
    /// ten minutes. The answer has been paid for when the limit is reached, so it is worth waiting a
    /// little longer, and a step that hears of the limit can return what it has.
    pub const fn llm() -> Self {
        Self::new(Duration::from_mins(1)).with_grace(Duration::from_secs(5))
    }
}

impl<L> TimeoutConfig<L> {
    /// A limit for each call: from a closure of input and context, from what was observed
    /// ([`AdaptiveLimit`](crate::AdaptiveLimit)), or from a [`LimitPolicy`] of your own.
    pub const fn from_policy(policy: L) -> Self {
        Self {
            policy,
            grace: Duration::ZERO,
            minimum: Duration::ZERO,
        }
    }

    /// How long past the limit an answer is still taken; none by default.
    ///
    /// The operation finds the limit, not the end of the grace period, as the deadline of its
    /// context, and is told at the limit:
    /// [`ctx.is_cancelled()`](tta_core::WorkflowContext::is_cancelled) turns true and
    /// [`ctx.cancelled()`](tta_core::WorkflowContext::cancelled) ends. It then has the grace period
    /// to finish or to clean up. A deadline that is inherited has no grace.
    pub const fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long the operation takes at the least; nothing by default. With less time than this left
    /// until the limit or the inherited deadline it is not started: the error comes at once, and
    /// what the operation would have cost is not spent on an answer that nobody gets.
    pub const fn with_minimum(mut self, minimum: Duration) -> Self {
        self.minimum = minimum;
        self
    }

    pub(crate) fn validated<I: ?Sized>(self) -> Result<Self>
    where
        L: LimitPolicy<I>,
    {
        self.policy.validate()?;
        if self.policy.longest().is_some_and(|it| it < self.minimum) {
            return Err(Error::new(
                ErrorKind::Configuration,
                "a minimum above the limit lets nothing start; give a timeout a minimum of at most \
                 its limit",
            ));
        }
        Ok(self)
    }
}

impl From<Duration> for TimeoutConfig {
    fn from(limit: Duration) -> Self {
        Self::new(limit)
    }
}
