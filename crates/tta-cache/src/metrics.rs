//! What a cache measures.

use tta_core::{Counter, Gauge, Histogram, MetricSpec, Registry, registry};

use crate::catalog::{
    COALESCED, COST_SAVINGS, EVICTIONS, HIT_RATE, HITS, MISSES, OPERATION_DURATION, SIZE,
    SIZE_BYTES,
};

/// Handles of one primitive's name; primitives of one name share them.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) hits: Counter,
    pub(crate) absent: Counter,
    pub(crate) expired: Counter,
    pub(crate) bypass: Counter,
    pub(crate) coalesced: Counter,
    pub(crate) savings: Counter,
    pub(crate) size: Gauge,
    pub(crate) size_bytes: Gauge,
    pub(crate) evicted_by_capacity: Counter,
    pub(crate) evicted_expired: Counter,
    pub(crate) evicted_explicitly: Counter,
    pub(crate) get_hit: Histogram,
    pub(crate) get_miss: Histogram,
    pub(crate) set: Histogram,
    pub(crate) evict: Histogram,
    pub(crate) compute_ok: Histogram,
    pub(crate) compute_error: Histogram,
}

impl Metrics {
    pub(crate) fn of(name: &str) -> Self {
        let registry = registry();
        let counter = |spec, labels: &[&str]| counter(registry, spec, labels);
        let gauge = |spec| {
            registry
                .gauge(spec, &[name, "memory"])
                .unwrap_or_else(|_| Gauge::detached())
        };
        let histogram = |operation, result| {
            registry
                .histogram(&OPERATION_DURATION, &[name, operation, result])
                .unwrap_or_else(|_| Histogram::detached())
        };
        let metrics = Self {
            hits: counter(&HITS, &[name, "memory"]),
            absent: counter(&MISSES, &[name, "absent"]),
            expired: counter(&MISSES, &[name, "expired"]),
            bypass: counter(&MISSES, &[name, "bypass"]),
            coalesced: counter(&COALESCED, &[name]),
            savings: counter(&COST_SAVINGS, &[name]),
            size: gauge(&SIZE),
            size_bytes: gauge(&SIZE_BYTES),
            evicted_by_capacity: counter(&EVICTIONS, &[name, "capacity"]),
            evicted_expired: counter(&EVICTIONS, &[name, "expired"]),
            evicted_explicitly: counter(&EVICTIONS, &[name, "explicit"]),
            get_hit: histogram("get", "hit"),
            get_miss: histogram("get", "miss"),
            set: histogram("set", "ok"),
            evict: histogram("evict", "ok"),
            compute_ok: histogram("compute", "ok"),
            compute_error: histogram("compute", "error"),
        };
        let rate = metrics.rate();
        // As below: a name that is taken leaves this one gauge out.
        let _ = registry.observe_gauge(&HIT_RATE, &[name], rate);
        metrics
    }

    pub(crate) fn hit_rate(&self) -> f64 {
        self.rate()()
    }

    pub(crate) fn misses(&self) -> u64 {
        self.absent.units() + self.expired.units() + self.bypass.units()
    }

    /// Adds entries and bytes to what is held, or takes them away.
    pub(crate) fn resize(&self, entries: i64, bytes: i64) {
        self.size.add(entries);
        self.size_bytes.add(bytes);
    }

    fn rate(&self) -> impl Fn() -> f64 + Send + Sync + 'static {
        let hits = self.hits.clone();
        let misses = [
            self.absent.clone(),
            self.expired.clone(),
            self.bypass.clone(),
        ];
        move || {
            let hits = hits.total();
            let all = hits + misses.iter().map(Counter::total).sum::<f64>();
            if all > 0.0 { hits / all } else { 0.0 }
        }
    }
}

/// Only a program that gave a metric's name to another one gets a handle that is not exported.
fn counter(registry: &Registry, spec: &'static MetricSpec, labels: &[&str]) -> Counter {
    registry
        .counter(spec, labels)
        .unwrap_or_else(|_| Counter::detached(spec.unit))
}
