//! What hedges measure.

use tta_core::{Counter, Histogram, MetricSpec, registry};

use crate::catalog::{HEDGE_DELAY, HEDGE_WASTED, HEDGES};

/// Handles of one primitive's name; primitives of one name share them.
#[derive(Debug)]
pub(crate) struct HedgeMetrics {
    pub(crate) not_hedged: Counter,
    pub(crate) first: Counter,
    pub(crate) second: Counter,
    pub(crate) failed: Counter,
    pub(crate) budget: Counter,
    pub(crate) delay: Histogram,
    pub(crate) wasted: Counter,
}

impl HedgeMetrics {
    pub(crate) fn of(name: &str) -> Self {
        let registry = registry();
        let counter = |spec: &'static MetricSpec, labels: &[&str]| {
            let registered = registry.counter(spec, labels);
            // Only a program that gave the metric's name to another one gets here.
            registered.unwrap_or_else(|_| Counter::detached(spec.unit))
        };
        let ended = |outcome| counter(&HEDGES, &[name, outcome]);
        Self {
            not_hedged: ended("not_hedged"),
            first: ended("first"),
            second: ended("second"),
            failed: ended("failed"),
            budget: ended("budget"),
            delay: registry
                .histogram(&HEDGE_DELAY, &[name])
                .unwrap_or_else(|_| Histogram::detached()),
            wasted: counter(&HEDGE_WASTED, &[name]),
        }
    }
}
