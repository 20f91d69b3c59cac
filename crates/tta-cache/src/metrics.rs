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
    pub(crate) outside_hits: Option<Counter>,
    pub(crate) absent: Counter,
    pub(crate) expired: Counter,
    pub(crate) corrupt: Counter,
    pub(crate) backend_error: Counter,
    pub(crate) bypass: Counter,
    pub(crate) coalesced: Counter,
    pub(crate) savings: Counter,
    pub(crate) size: Gauge,
    pub(crate) size_bytes: Gauge,
    pub(crate) evicted_by_capacity: Counter,
    pub(crate) evicted_expired: Counter,
    pub(crate) evicted_explicitly: Counter,
    pub(crate) get_hit: Histogram,
    pub(crate) get_stale: Histogram,
    pub(crate) get_miss: Histogram,
    pub(crate) set: Histogram,
    pub(crate) set_error: Histogram,
    pub(crate) evict: Histogram,
    pub(crate) compute_ok: Histogram,
    pub(crate) compute_error: Histogram,
    pub(crate) compute_stale: Histogram,
    pub(crate) refresh_ok: Histogram,
    pub(crate) refresh_error: Histogram,
}

impl Metrics {
    /// Handles for a name, and for the tier outside if there is one.
    pub(crate) fn of(name: &str, outside: Option<&'static str>) -> Self {
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
            outside_hits: outside.map(|tier| counter(&HITS, &[name, tier])),
            absent: counter(&MISSES, &[name, "absent"]),
            expired: counter(&MISSES, &[name, "expired"]),
            corrupt: counter(&MISSES, &[name, "corrupt"]),
            backend_error: counter(&MISSES, &[name, "backend_error"]),
            bypass: counter(&MISSES, &[name, "bypass"]),
            coalesced: counter(&COALESCED, &[name]),
            savings: counter(&COST_SAVINGS, &[name]),
            size: gauge(&SIZE),
            size_bytes: gauge(&SIZE_BYTES),
            evicted_by_capacity: counter(&EVICTIONS, &[name, "capacity"]),
            evicted_expired: counter(&EVICTIONS, &[name, "expired"]),
            evicted_explicitly: counter(&EVICTIONS, &[name, "explicit"]),
            get_hit: histogram("get", "hit"),
            get_stale: histogram("get", "stale"),
            get_miss: histogram("get", "miss"),
            set: histogram("set", "ok"),
            set_error: histogram("set", "error"),
            evict: histogram("evict", "ok"),
            compute_ok: histogram("compute", "ok"),
            compute_error: histogram("compute", "error"),
            compute_stale: histogram("compute", "stale"),
            refresh_ok: histogram("refresh", "ok"),
            refresh_error: histogram("refresh", "error"),
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
        self.reasons().iter().map(|reason| reason.units()).sum()
    }

    /// The counter of hits by the tier that answered.
    #[inline]
    pub(crate) fn hits_of(&self, from_outside: bool) -> &Counter {
        match &self.outside_hits {
            Some(hits) if from_outside => hits,
            _ => &self.hits,
        }
    }

    fn reasons(&self) -> [&Counter; 5] {
        [
            &self.absent,
            &self.expired,
            &self.corrupt,
            &self.backend_error,
            &self.bypass,
        ]
    }

    /// Adds entries and bytes to what is held, or takes them away.
    pub(crate) fn resize(&self, entries: i64, bytes: i64) {
        self.size.add(entries);
        self.size_bytes.add(bytes);
    }

    fn rate(&self) -> impl Fn() -> f64 + Send + Sync + 'static {
        let mut hits = vec![self.hits.clone()];
        hits.extend(self.outside_hits.clone());
        let misses = self.reasons().map(Counter::clone);
        move || {
            let hits = hits.iter().map(Counter::total).sum::<f64>();
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
