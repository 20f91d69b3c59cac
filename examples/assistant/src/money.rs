//! Amounts of money that add up exactly.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use serde::{Deserialize, Serialize};

/// An amount in billionths of a US dollar.
///
/// Prices per million tokens are whole numbers of this unit per token, so the cost of a run is the
/// same whatever the order its parts are added in. A sum of `f64` dollars is not.
///
/// ```
/// use assistant::money::NanoUsd;
///
/// let total: NanoUsd = [NanoUsd(1_500), NanoUsd(600)].into_iter().sum();
/// assert_eq!(total, NanoUsd(2_100));
/// assert_eq!(total.to_string(), "$0.000002100");
/// ```
///
/// # Units
///
/// 10⁻⁹ USD. The largest amount is about 18 billion dollars, where sums stay.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct NanoUsd(pub u64);

impl NanoUsd {
    /// The amount in dollars, for showing; never for adding.
    pub fn usd(self) -> f64 {
        self.0 as f64 / NANO_PER_USD as f64
    }
}

impl Add for NanoUsd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}.{:09}", self.0 / NANO_PER_USD, self.0 % NANO_PER_USD)
    }
}

const NANO_PER_USD: u64 = 1_000_000_000;
