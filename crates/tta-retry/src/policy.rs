//! Whether to try again.

use std::time::Duration;

use tta_core::{Error, WorkflowContext};

/// Decides whether to try again after a failed attempt; for what [`RetryConfig`](crate::RetryConfig)
/// cannot say.
///
/// A closure of the same arguments is a policy. It is asked about every error but one that says
/// itself that trying again is no use ([`Error::with_retryable`]); without a policy the answer is
/// [`Error::is_retryable`]. The number of retries, the budget and the deadline hold in any case.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_core::{ErrorKind, WorkflowContext, step};
/// use tta_retry::{FailedAttempt, RetryConfig, RetryDecision, RetryExt};
///
/// let patient = |failed: &FailedAttempt<'_>, _: &WorkflowContext| match failed.error.kind() {
///     ErrorKind::RateLimited => RetryDecision::RetryAfter(Duration::from_secs(5)),
///     ErrorKind::NotFound if failed.number < 3 => RetryDecision::Retry, // not replicated yet
///     _ => RetryDecision::Stop,
/// };
/// let flow = step("lookup", async |key: String| Ok(key))
///     .retry(RetryConfig::standard().with_policy(patient))?;
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Panics
///
/// A policy that panics has decided to stop.
pub trait RetryPolicy: Send + Sync {
    /// Decides about one failed attempt.
    fn decide(&self, failed: &FailedAttempt<'_>, ctx: &WorkflowContext) -> RetryDecision;
}

/// An attempt that failed, for a [`RetryPolicy`] to decide about.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FailedAttempt<'a> {
    /// Which attempt it was, counted from 1.
    pub number: u32,
    /// How it failed.
    pub error: &'a Error,
    /// How long ago the first attempt began.
    pub elapsed: Duration,
    /// How long the configuration would wait before the next attempt.
    pub backoff: Duration,
}

/// What a [`RetryPolicy`] decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryDecision {
    /// Try again after the wait that the configuration names, or the other side asked for.
    Retry,
    /// Try again after exactly this wait.
    RetryAfter(Duration),
    /// Give the error back.
    Stop,
}

impl<F> RetryPolicy for F
where
    F: Fn(&FailedAttempt<'_>, &WorkflowContext) -> RetryDecision + Send + Sync,
{
    fn decide(&self, failed: &FailedAttempt<'_>, ctx: &WorkflowContext) -> RetryDecision {
        self(failed, ctx)
    }
}
