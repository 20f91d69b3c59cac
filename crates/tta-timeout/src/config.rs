//! How long is long enough.

use std::time::Duration;

use tta_core::{Error, ErrorKind, Result};

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
pub struct TimeoutConfig {
    pub(crate) limit: Duration,
    pub(crate) grace: Duration,
}

impl TimeoutConfig {
    /// A limit without a grace period.
    pub const fn new(limit: Duration) -> Self {
        Self {
            limit,
            grace: Duration::ZERO,
        }
    }

    /// How long past the limit an answer is still taken; none by default.
    ///
    /// The operation finds the limit, not the end of the grace period, as the deadline of its
    /// context. A deadline that is inherited has no grace.
    pub const fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    pub(crate) fn validated(self) -> Result<Self> {
        if self.limit.is_zero() {
            return Err(Error::new(
                ErrorKind::Configuration,
                "a limit of zero leaves no time to run; give a timeout a limit above zero",
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
