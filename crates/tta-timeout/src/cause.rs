//! What the time ran out by.

use std::error::Error as StdError;
use std::fmt;

use tta_core::{Error, ErrorKind};

/// What the time ran out by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutCause {
    /// The limit of the timeout itself.
    Limit,
    /// An earlier deadline that the context brought with it: trying again before it is renewed
    /// cannot help.
    Deadline,
    /// A stream's limit for its first item.
    FirstItem,
    /// A stream's limit between two items.
    Idle,
    /// A stream's limit for all of it.
    Total,
}

impl TimeoutCause {
    /// The value of the `cause` label: whose limit it was.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Limit | Self::FirstItem | Self::Idle | Self::Total => "limit",
        }
    }
}

/// The error of an operation that ran out of time, inside an
/// [`Error`] of kind [`ErrorKind::Timeout`].
///
/// # Examples
///
/// ```
/// use tta_core::Error;
/// use tta_timeout::{TimedOut, TimeoutCause};
///
/// fn may_try_again(error: &Error) -> bool {
///     let timed_out = error.downcast_ref::<TimedOut>();
///     error.is_retryable() && timed_out.is_none_or(|it| it.cause() != TimeoutCause::Deadline)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOut {
    cause: TimeoutCause,
    message: String,
}

impl TimedOut {
    pub(crate) fn error(cause: TimeoutCause, message: String) -> Error {
        Error::from_boxed(Box::new(Self { cause, message })).with_kind(ErrorKind::Timeout)
    }

    /// What the time ran out by.
    pub fn cause(&self) -> TimeoutCause {
        self.cause
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for TimedOut {}
