//! How an execution under a retry ends, and why no attempt follows.

use std::time::Duration;

use tta_core::{Error, ErrorKind};

/// How an execution ended: the `outcome` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    FirstTry,
    Recovered,
    Exhausted,
    NotRetryable,
    Budget,
}

impl Outcome {
    pub(crate) const ALL: [Self; 5] = [
        Self::FirstTry,
        Self::Recovered,
        Self::Exhausted,
        Self::NotRetryable,
        Self::Budget,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::FirstTry => "first_try",
            Self::Recovered => "recovered",
            Self::Exhausted => "exhausted",
            Self::NotRetryable => "not_retryable",
            Self::Budget => "budget",
        }
    }
}

/// Why no attempt follows a failed one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stop {
    /// The error is not of the kind that is tried again, or the policy says so.
    NotRetryable,
    /// The policy panicked.
    PolicyPanicked,
    /// There were as many as allowed.
    Attempts,
    /// The next one cannot end before the deadline.
    Deadline { wait: Duration, left: Duration },
    /// The other side asks to wait for longer than allowed.
    RetryAfter { asked: Duration, most: Duration },
    /// All callers together have retried as much as allowed.
    Budget { share: f64, floor: u32 },
}

impl Stop {
    pub(crate) const fn outcome(self) -> Outcome {
        match self {
            Self::NotRetryable | Self::PolicyPanicked => Outcome::NotRetryable,
            Self::Attempts | Self::Deadline { .. } | Self::RetryAfter { .. } => Outcome::Exhausted,
            Self::Budget { .. } => Outcome::Budget,
        }
    }

    /// The value of `retry.decision`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NotRetryable => "not_retryable",
            Self::PolicyPanicked => "policy_panicked",
            Self::Attempts => "attempts_used_up",
            Self::Deadline { .. } => "deadline",
            Self::RetryAfter { .. } => "retry_after_too_long",
            Self::Budget { .. } => "budget",
        }
    }

    /// What the caller is told besides the error, where that does not speak for itself.
    pub(crate) fn note(self, next: u32) -> Option<Error> {
        let (kind, message) = match self {
            Self::NotRetryable | Self::Attempts => return None,
            Self::PolicyPanicked => (
                ErrorKind::Panic,
                "not tried again: the retry policy panicked".to_owned(),
            ),
            Self::Deadline { wait, left } => (
                ErrorKind::Timeout,
                format!(
                    "attempt {next} was not begun: after a wait of {wait:?} it could not end \
                     before the deadline, in {left:?}"
                ),
            ),
            Self::RetryAfter { asked, most } => (
                ErrorKind::Rejected,
                format!(
                    "attempt {next} was not begun: the other side asks to wait for {asked:?}, and \
                     at most {most:?} are allowed"
                ),
            ),
            Self::Budget { share, floor } => (
                ErrorKind::Rejected,
                format!(
                    "attempt {next} was not begun: the retry budget of {share} of the traffic and \
                     {floor} per second is used up"
                ),
            ),
        };
        Some(Error::new(kind, message))
    }
}
