//! What routing has cost and saved.

use std::sync::atomic::{AtomicU64, Ordering};

use tta_core::Unit;

/// What a router's calls have cost beside what they would have cost on its dearest route.
///
/// Amounts are in billionths of a US dollar, so that sums are exact. Only calls whose cost is known
/// are in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Savings {
    /// What the calls that succeeded would have cost on the dearest of the router's routes.
    pub baseline_nano_usd: u64,
    /// What the calls did cost: failed and dropped ones and deciding included.
    pub actual_nano_usd: u64,
}

impl Savings {
    /// Baseline less actual, in US dollars; negative when routing has cost more than it saved.
    pub fn net_usd(&self) -> f64 {
        // Whole billionths differ exactly; only the result is rounded.
        let (more, sign) = match self.baseline_nano_usd.checked_sub(self.actual_nano_usd) {
            Some(saved) => (saved, 1.0),
            None => (self.actual_nano_usd - self.baseline_nano_usd, -1.0),
        };
        sign * more as f64 / Unit::UsDollars.scale()
    }

    /// The baseline in US dollars.
    pub fn baseline_usd(&self) -> f64 {
        self.baseline_nano_usd as f64 / Unit::UsDollars.scale()
    }

    /// The actual cost in US dollars.
    pub fn actual_usd(&self) -> f64 {
        self.actual_nano_usd as f64 / Unit::UsDollars.scale()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    baseline: AtomicU64,
    actual: AtomicU64,
}

impl Ledger {
    pub(crate) fn book(&self, baseline_nano_usd: u64, actual_nano_usd: u64) {
        self.baseline
            .fetch_add(baseline_nano_usd, Ordering::Relaxed);
        self.actual.fetch_add(actual_nano_usd, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Savings {
        Savings {
            baseline_nano_usd: self.baseline.load(Ordering::Relaxed),
            actual_nano_usd: self.actual.load(Ordering::Relaxed),
        }
    }
}
