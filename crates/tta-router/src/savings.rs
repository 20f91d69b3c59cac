//! The account of what routing saved.

use std::sync::atomic::{AtomicU64, Ordering};

/// What routing cost and saved, in billionths of a US dollar, so that sums are exact.
///
/// The baseline is what each answer would have cost on the dearest of the router's own routes, for
/// the usage that the call really had. A call that gave no answer has no baseline: what it cost is
/// charged and nothing is saved, so the net may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Savings {
    /// What all answers would have cost on the dearest route.
    pub baseline_nano_usd: u64,
    /// What all calls cost.
    pub actual_nano_usd: u64,
    /// Answers whose cost is not known: they count in neither sum.
    pub unpriced: u64,
}

impl Savings {
    /// The baseline less the actual cost, in billionths of a US dollar.
    pub fn net_nano_usd(&self) -> i64 {
        let net = i128::from(self.baseline_nano_usd) - i128::from(self.actual_nano_usd);
        i64::try_from(net).unwrap_or(if net < 0 { i64::MIN } else { i64::MAX })
    }

    /// The baseline in US dollars.
    pub fn baseline_usd(&self) -> f64 {
        self.baseline_nano_usd as f64 / 1e9
    }

    /// The actual cost in US dollars.
    pub fn actual_usd(&self) -> f64 {
        self.actual_nano_usd as f64 / 1e9
    }

    /// The net savings in US dollars; negative where routing cost more than it saved.
    pub fn net_usd(&self) -> f64 {
        self.net_nano_usd() as f64 / 1e9
    }
}

/// [`Savings`] as they grow.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    baseline: AtomicU64,
    actual: AtomicU64,
    unpriced: AtomicU64,
}

impl Ledger {
    pub(crate) fn settle(&self, baseline_nano_usd: u64, actual_nano_usd: u64) {
        self.baseline
            .fetch_add(baseline_nano_usd, Ordering::Relaxed);
        self.actual.fetch_add(actual_nano_usd, Ordering::Relaxed);
    }

    pub(crate) fn unpriced(&self) {
        self.unpriced.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Savings {
        Savings {
            baseline_nano_usd: self.baseline.load(Ordering::Relaxed),
            actual_nano_usd: self.actual.load(Ordering::Relaxed),
            unpriced: self.unpriced.load(Ordering::Relaxed),
        }
    }
}
