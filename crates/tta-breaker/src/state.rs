//! What a breaker can be, and why it became so.

use std::fmt;
use std::time::Duration;

/// Whether a [`CircuitBreaker`](crate::CircuitBreaker) lets calls through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CircuitState {
    /// Calls go through and are watched.
    Closed,
    /// Calls are rejected until the wait is over.
    Open,
    /// A few calls go through, as probes; what they find decides.
    HalfOpen,
    /// Opened by hand: calls are rejected until somebody resets the breaker.
    Isolated,
}

impl CircuitState {
    /// The state's name: `closed`, `open`, `half_open` or `isolated`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Isolated => "isolated",
            other => other.label(),
        }
    }

    /// The value of the `state` label, for which an isolated breaker is an open one.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open | Self::Isolated => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

impl fmt::Display for CircuitState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a breaker changed its state; a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    ConsecutiveFailures,
    FailureRate,
    SlowCallRate,
    ProbeFailed,
    WaitOver,
    ProbesSucceeded,
    Isolated,
    Reset,
}

impl Reason {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ConsecutiveFailures => "consecutive_failures",
            Self::FailureRate => "failure_rate",
            Self::SlowCallRate => "slow_call_rate",
            Self::ProbeFailed => "probe_failed",
            Self::WaitOver => "wait_over",
            Self::ProbesSucceeded => "probes_succeeded",
            Self::Isolated => "isolated",
            Self::Reset => "reset",
        }
    }
}

/// What a breaker was opened by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) reason: Reason,
    /// The failures, or slow calls, that were counted.
    pub(crate) bad: u64,
    /// Among so many calls.
    pub(crate) calls: u64,
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) from: CircuitState,
    pub(crate) to: CircuitState,
    pub(crate) cause: Opening,
    /// How long a breaker that opened rejects calls; none where only a hand ends it.
    pub(crate) wait: Option<Duration>,
}

/// Why a call was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) state: CircuitState,
    pub(crate) cause: Opening,
    /// What is left of the wait, where that is known.
    pub(crate) retry_after: Option<Duration>,
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, bad, calls } = self;
        match reason {
            Reason::ConsecutiveFailures if *bad == 1 => f.write_str("a call failed"),
            Reason::ConsecutiveFailures => write!(f, "{bad} calls failed in a row"),
            Reason::FailureRate => write!(f, "{bad} of {calls} calls failed"),
            Reason::SlowCallRate => write!(f, "{bad} of {calls} calls were slow"),
            Reason::ProbeFailed => f.write_str("a probe failed"),
            other => f.write_str(other.as_str()),
        }
    }
}
