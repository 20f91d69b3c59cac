//! Who says how long is long enough.

use std::time::Duration;

use tta_core::{Error, ErrorKind, Result, WorkflowContext};

/// Says how long each call may take, and hears how long it took.
///
/// A closure of the input and the context is one, and so are [`FixedLimit`] and
/// [`AdaptiveLimit`](crate::AdaptiveLimit).
///
/// # Examples
///
/// A longer question may take longer:
///
/// ```
/// use std::time::Duration;
/// use tta_core::{WorkflowContext, step};
/// use tta_timeout::{TimeoutConfig, TimeoutExt};
///
/// let model = step("model", async |question: String| Ok(question.len()));
/// let limit = |question: &String, _: &WorkflowContext| {
///     Duration::from_secs(2) + Duration::from_millis(5) * question.len().min(4_000) as u32
/// };
/// let flow = model.timeout(TimeoutConfig::from_policy(limit))?;
/// # Ok::<(), tta_core::Error>(())
/// ```
pub trait LimitPolicy<I: ?Sized>: Send + Sync {
    /// How long this call may take. A limit of zero leaves no time, so that nothing is started.
    fn limit(&self, input: &I, ctx: &WorkflowContext) -> Duration;

    /// How long a call takes at the least: with less time than this left it is not started. Nothing
    /// by default.
    fn minimum(&self) -> Duration {
        Duration::ZERO
    }

    /// The longest limit it ever gives, if it knows.
    fn longest(&self) -> Option<Duration> {
        None
    }

    /// Told how long a call took that was started and has ended; one that its caller dropped has
    /// not. Called for each call, so it must be quick.
    fn observe(&self, took: Duration, ending: Ending) {
        let _ = (took, ending);
    }

    /// Asked once, when the timeout is made.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where it cannot work, with what to do about it.
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

impl<I: ?Sized, F> LimitPolicy<I> for F
where
    F: Fn(&I, &WorkflowContext) -> Duration + Send + Sync,
{
    fn limit(&self, input: &I, ctx: &WorkflowContext) -> Duration {
        self(input, ctx)
    }
}

/// How a call under a timeout ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// With an answer that was in time.
    Success,
    /// With an error of its own.
    Error,
    /// It ran past its limit, and the grace period if there was one.
    PastLimit,
    /// It ran past an earlier deadline, which says little about the call.
    PastDeadline,
}

/// The same limit for each call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedLimit(pub(crate) Duration);

impl<I: ?Sized> LimitPolicy<I> for FixedLimit {
    fn limit(&self, _: &I, _: &WorkflowContext) -> Duration {
        self.0
    }

    fn longest(&self) -> Option<Duration> {
        Some(self.0)
    }

    fn validate(&self) -> Result<()> {
        if self.0.is_zero() {
            return Err(Error::new(
                ErrorKind::Configuration,
                "a limit of zero leaves no time to run; give a timeout a limit above zero",
            ));
        }
        Ok(())
    }
}
