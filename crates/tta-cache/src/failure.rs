//! An error that more than one caller gets.

use std::time::Duration;

use tta_core::{Error, ErrorKind};

/// What those who waited for a computation are told of its error.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    kind: ErrorKind,
    text: String,
    retryable: bool,
    retry_after: Option<Duration>,
}

impl Failure {
    pub(crate) fn of(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            text: error.to_string(),
            retryable: error.is_retryable(),
            retry_after: error.retry_after(),
        }
    }

    /// The error of one of those who waited.
    pub(crate) fn to_error(&self) -> Error {
        let message = format!(
            "the computation that this call waited for failed: {}",
            self.text
        );
        let error = Error::new(self.kind, message);
        let error = match self.retry_after {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        };
        error.with_retryable(self.retryable)
    }
}

/// A computation panicked in the hands of the cache: in a callback of its configuration.
pub(crate) fn leader_panicked() -> Error {
    Error::new(
        ErrorKind::Panic,
        "the caller that computed this answer panicked",
    )
}

/// A caller ran out of time before somebody else's computation ended.
pub(crate) fn waited_too_long() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "the deadline passed while another caller computed the answer",
    )
}

/// A computation asked for what it is computing.
pub(crate) fn asks_for_itself() -> Error {
    Error::new(
        ErrorKind::Rejected,
        "a computation asked the cache for the answer that it is computing; give it another key",
    )
}
