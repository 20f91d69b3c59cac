//! What a call says about the health of the other side.

use std::fmt;
use std::time::Duration;

use tta_core::{Error, ErrorKind, Result};

/// The failure that a breaker counted last: the source of the errors with which it rejects.
///
/// # Examples
///
/// ```
/// use tta_breaker::{CircuitBreaker, CircuitBreakerConfig, LastFailure};
/// use tta_core::{Error, ErrorKind};
///
/// let config = CircuitBreakerConfig::new().with_consecutive_failures(1);
/// let breaker = CircuitBreaker::new("provider", config)?;
/// let down: tta_core::Result<()> = Err(Error::new(ErrorKind::Unavailable, "connection refused"));
/// breaker.acquire()?.record(&down);
///
/// let rejected = breaker.acquire().unwrap_err();
/// assert_eq!(rejected.kind(), ErrorKind::Rejected);
/// let last = rejected.downcast_ref::<LastFailure>().unwrap();
/// assert_eq!(last.kind(), ErrorKind::Unavailable);
/// assert_eq!(last.to_string(), "connection refused");
/// # Ok::<(), tta_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastFailure {
    kind: ErrorKind,
    message: Box<str>,
    step: Box<str>,
}

impl LastFailure {
    pub(crate) fn of(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            message: error.to_string().into(),
            step: error.step().into(),
        }
    }

    /// The class of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The path of the step where the failure began.
    pub fn step(&self) -> &str {
        &self.step
    }
}

impl fmt::Display for LastFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LastFailure {}

/// What a call says about the health of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It answered.
    Success,
    /// It failed, and may have said how long to leave it alone.
    Failure { retry_after: Option<Duration> },
    /// Nothing: the call was given up, or never got there.
    Nothing,
}

impl Verdict {
    /// The verdict on a result; `counts` is the user's, and called with no lock held.
    #[inline]
    pub(crate) fn on<T>(result: &Result<T>, counts: impl FnOnce(&Error) -> bool) -> Self {
        match result {
            Ok(_) => Self::Success,
            Err(error) if counts(error) => Self::Failure {
                retry_after: error.retry_after(),
            },
            Err(error) => match error.kind() {
                ErrorKind::Configuration | ErrorKind::Cancelled | ErrorKind::Rejected => {
                    Self::Nothing
                }
                _ => Self::Success,
            },
        }
    }
}

/// Whether an error speaks against the other side's health where the user says nothing else.
///
/// An unknown error is taken for a failure: a breaker that misses an outage is worse than one that
/// opens once too often.
pub(crate) fn is_failure(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Other
            | ErrorKind::RateLimited
            | ErrorKind::Unavailable
            | ErrorKind::Timeout
            | ErrorKind::Panic
    )
}
