//! Numbers above zero, and what speed does to time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A finite number greater than zero.
///
/// Rates and speeds are of this type, so that the code that divides by them need not ask.
///
/// ```
/// use assistant::positive::Positive;
///
/// let speed: Positive = "200".parse().unwrap();
/// assert_eq!(speed.get(), 200.0);
/// assert!("0".parse::<Positive>().is_err());
/// assert!("NaN".parse::<Positive>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Positive(f64);

impl Positive {
    /// Accepts `value` if it is finite and greater than zero.
    pub fn new(value: f64) -> Result<Self, NotPositive> {
        if value.is_finite() && value > 0.0 {
            Ok(Self(value))
        } else {
            Err(NotPositive)
        }
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }

    /// `duration` as it passes when time runs this many times as fast.
    ///
    /// A result that no `Duration` can hold becomes the longest one.
    pub fn compress(self, duration: Duration) -> Duration {
        Duration::try_from_secs_f64(duration.as_secs_f64() / self.0).unwrap_or(Duration::MAX)
    }
}

impl FromStr for Positive {
    type Err = NotPositive;

    fn from_str(text: &str) -> Result<Self, NotPositive> {
        text.parse().map_err(|_| NotPositive).and_then(Self::new)
    }
}

impl fmt::Display for Positive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What was given is zero, negative, infinite, or no number at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPositive;

impl fmt::Display for NotPositive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("give a finite number greater than zero")
    }
}

impl std::error::Error for NotPositive {}
