//! A value that goes up and down.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A whole number that goes up and down: a handle to one series of a metric.
///
/// Cloning gives another handle to the same value. Where the value follows from others, register a
/// callback with [`Registry::observe_gauge`](super::Registry::observe_gauge) instead.
///
/// # Examples
///
/// ```
/// use tta_core::Gauge;
///
/// let entries = Gauge::detached();
/// entries.set(3);
/// entries.subtract(1);
/// assert_eq!(entries.value(), 2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gauge {
    value: Arc<AtomicI64>,
}

impl Gauge {
    /// A gauge that no registry knows.
    pub fn detached() -> Self {
        Self::default()
    }

    /// Replaces the value.
    pub fn set(&self, value: i64) {
        self.value.store(value, Ordering::Relaxed);
    }

    /// Raises the value.
    pub fn add(&self, amount: i64) {
        self.value.fetch_add(amount, Ordering::Relaxed);
    }

    /// Lowers the value.
    pub fn subtract(&self, amount: i64) {
        self.value.fetch_sub(amount, Ordering::Relaxed);
    }

    /// The value now.
    pub fn value(&self) -> i64 {
        self.value.load(Ordering::Relaxed)
    }
}
