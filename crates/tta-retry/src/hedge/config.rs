//! When a second attempt begins, and how many there may be.

use std::time::Duration;

use tta_core::{Error, ErrorKind, Result};

use crate::budget::RetryBudget;

/// The options of a [`HedgePrimitive`](crate::HedgePrimitive).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_retry::HedgeConfig;
///
/// let config = HedgeConfig::new(Duration::from_millis(200))
///     .with_percentile(0.99)
///     .with_min_samples(500);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HedgeConfig {
    pub(crate) initial_delay: Duration,
    pub(crate) percentile: f64,
    /// None if the delay is never learnt.
    pub(crate) min_samples: Option<u64>,
    pub(crate) budget: Option<RetryBudget>,
    pub(crate) cost_per_call: Option<f64>,
}

impl HedgeConfig {
    /// Starts the second attempt after the 95th percentile of the latencies seen, and after
    /// `initial_delay` until a hundred have been seen.
    pub const fn new(initial_delay: Duration) -> Self {
        Self {
            initial_delay,
            percentile: 0.95,
            min_samples: Some(100),
            budget: None,
            cost_per_call: None,
        }
    }

    /// Starts the second attempt after this delay, whatever is seen.
    pub const fn fixed(delay: Duration) -> Self {
        let mut config = Self::new(delay);
        config.min_samples = None;
        config
    }

    /// For lookups in another service: 100 ms to begin with, which few of them take.
    pub const fn standard() -> Self {
        Self::new(Duration::from_millis(100))
    }

    /// For calls of a model: 10 s to begin with, since a second call is paid for, and most models
    /// have answered by then.
    pub const fn llm() -> Self {
        Self::new(Duration::from_secs(10))
    }

    /// The share of the calls that end before a second attempt begins; 0.95 by default.
    pub const fn with_percentile(mut self, share: f64) -> Self {
        self.percentile = share;
        self
    }

    /// How many latencies must have been seen before they are relied on; a hundred by default.
    /// Without effect on a [fixed](Self::fixed) delay.
    pub const fn with_min_samples(mut self, samples: u64) -> Self {
        if self.min_samples.is_some() {
            self.min_samples = Some(samples);
        }
        self
    }

    /// Draws on this budget, together with all who have a handle to it. By default each primitive
    /// has one of its own: a tenth of the calls, and one per second besides.
    pub fn with_budget(mut self, budget: &RetryBudget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    /// What a cancelled attempt is charged, in US dollars, where it has not reported a cost itself:
    /// a provider bills for what it has computed although nobody waits for it.
    pub const fn with_cost_per_call(mut self, usd: f64) -> Self {
        self.cost_per_call = Some(usd);
        self
    }

    pub(crate) fn validated(self) -> Result<Self> {
        let wrong = |message: String| Err(Error::new(ErrorKind::Configuration, message));
        if self.initial_delay.is_zero() {
            return wrong(
                "a hedge without a delay doubles every call; give it an initial delay above zero"
                    .to_owned(),
            );
        }
        let share = self.percentile;
        if !(share > 0.0 && share < 1.0) {
            return wrong(format!(
                "a hedge cannot begin at the percentile {share}; give it a share between 0 and 1, \
                 such as 0.95"
            ));
        }
        if let Some(usd) = self
            .cost_per_call
            .filter(|usd| !(usd.is_finite() && *usd >= 0.0))
        {
            return wrong(format!(
                "a call cannot cost {usd} US dollars; give a hedge a cost of zero or more"
            ));
        }
        Ok(self)
    }
}
