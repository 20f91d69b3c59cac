//! Instruments: counters, gauges and histograms that live in the core.
//!
//! A handle is resolved once, when a primitive is built, and recording through it takes no lock
//! and no locked instruction: each thread writes cells of its own, and whoever reads adds them up.
//! See the design note on instruments for the measurement behind it.

mod bounds;
mod cells;
mod counter;
mod exemplar;
mod family;
pub(crate) mod forked;
mod gather;
mod gauge;
mod histogram;
mod readers;
mod registry;
mod seam;
mod snapshot;

pub use counter::Counter;
pub use exemplar::{Exemplar, ExemplarFilter};
pub use gauge::Gauge;
pub(crate) use histogram::nanos;
pub use histogram::{Distribution, Histogram};
pub use readers::{FamilyReader, SeriesReader};
pub use registry::{OVERFLOW_LABEL, Registry, registry};
pub(crate) use seam::{Counted, Outcome, Reading, SeamInstruments};
pub use snapshot::{BucketCount, MetricFamily, MetricSample, SampleValue};

use std::sync::atomic::{AtomicU64, Ordering};

/// Measurements that were refused: not a number, infinite, or negative where a sum only grows.
static REFUSED: AtomicU64 = AtomicU64::new(0);

/// How many measurements were refused because they are no number that can be added up.
///
/// Not a number, an infinity, or a negative amount for a counter changes nothing but this count.
pub fn refused_measurements() -> u64 {
    REFUSED.load(Ordering::Relaxed)
}

/// An amount in a metric's unit as whole stored units, or nothing if it cannot be added to a sum.
pub(crate) fn checked_units(amount: f64, scale: f64) -> Option<u64> {
    let units = (amount * scale).round();
    // The upper limit keeps one absurd amount from overflowing the sum of all the others.
    if units.is_finite() && (0.0..=LARGEST_AMOUNT).contains(&units) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range was checked on the line above"
        )]
        return Some(units as u64);
    }
    refused();
    None
}

/// Counts a measurement that was refused.
fn refused() {
    REFUSED.fetch_add(1, Ordering::Relaxed);
}

/// 2^53: whole numbers up to here are exact in an `f64`.
const LARGEST_AMOUNT: f64 = 9_007_199_254_740_992.0;
