//! What becomes of the siblings of a branch that failed.

use crate::error::{Error, Result};

/// What a parallel does with its other branches when one has failed.
///
/// # Examples
///
/// ```
/// use tta_core::{FailurePolicy, step};
///
/// let charge = step("charge", async |order: u64| Ok(order));
/// let notify = step("notify", async |order: u64| Ok(order));
///
/// // A payment is not broken off in the middle because a message could not be sent.
/// let flow = (charge | notify).with_failure_policy(FailurePolicy::AwaitAll);
/// # let _ = async { flow.run(7).await };
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailurePolicy {
    /// The others are dropped at once, and their spans say `cancelled`.
    #[default]
    FailFast,
    /// The others run to their end. Then the first error is returned, with those that came later
    /// [related](Error::related) to it.
    AwaitAll,
}

/// The errors of the branches of one execution.
pub(crate) struct Failures {
    policy: FailurePolicy,
    first: Option<Error>,
}

impl Failures {
    pub(crate) const fn under(policy: FailurePolicy) -> Self {
        Self {
            policy,
            first: None,
        }
    }

    /// Takes note of an error, or gives it back if it ends the execution.
    pub(crate) fn note(&mut self, error: Error) -> Result<()> {
        match self.policy {
            FailurePolicy::FailFast => return Err(error),
            FailurePolicy::AwaitAll => {
                self.first = Some(match self.first.take() {
                    Some(first) => first.with_related(error),
                    None => error,
                });
            }
        }
        Ok(())
    }

    /// The error of an execution all of whose branches have ended.
    pub(crate) fn into_result(self) -> Result<()> {
        self.first.map_or(Ok(()), Err)
    }
}
