//! What this crate emits.

use tta_core::{Catalog, LogSpec, MetricSpec, SpanSpec, Unit};

/// What `tta-cache` emits.
pub const CATALOG: Catalog = Catalog {
    crate_name: "tta-cache",
    metrics: &[
        &HITS,
        &MISSES,
        &HIT_RATE,
        &SIZE,
        &SIZE_BYTES,
        &EVICTIONS,
        &OPERATION_DURATION,
        &COST_SAVINGS,
        &COALESCED,
    ],
    spans: &[&GET_SPAN, &SET_SPAN, &EVICT_SPAN, &REFRESH_SPAN],
    logs: &[&TIER_DEGRADED, &TIER_RECOVERED, &TIER_ERROR],
};

/// Answers from the cache.
pub(crate) const HITS: MetricSpec = MetricSpec::counter(
    "cache_hits_total",
    Unit::One,
    "Lookups that were answered without computing, by the tier that answered.",
)
.labels(&["primitive", "tier"])
.aliases(&["cache_hit_total"]);

/// Lookups that found nothing.
pub(crate) const MISSES: MetricSpec = MetricSpec::counter(
    "cache_misses_total",
    Unit::One,
    "Lookups that found nothing to answer with, by reason: absent, expired, corrupt where the tier \
     outside held something else, backend_error where it did not answer, or bypass where the call \
     has no key.",
)
.labels(&["primitive", "reason"])
.aliases(&["cache_miss_total"]);

/// The share of lookups that were answered.
pub(crate) const HIT_RATE: MetricSpec = MetricSpec::gauge(
    "cache_hit_rate",
    Unit::Ratio,
    "Share of lookups since the start that were answered without computing; 0 when there were none.",
)
.labels(&["primitive"]);

/// Entries held.
pub(crate) const SIZE: MetricSpec = MetricSpec::gauge(
    "cache_size",
    Unit::One,
    "Entries held, expired ones that nobody has asked for again included.",
)
.labels(&["primitive", "tier"]);

/// Bytes held.
pub(crate) const SIZE_BYTES: MetricSpec = MetricSpec::gauge(
    "cache_size_bytes",
    Unit::Bytes,
    "Bytes held as the cache's own weigher counts them; 0 without one.",
)
.labels(&["primitive", "tier"]);

/// Entries that went.
pub(crate) const EVICTIONS: MetricSpec = MetricSpec::counter(
    "cache_evictions_total",
    Unit::One,
    "Entries that went, by cause: capacity, expired, or explicit where the program asked for it.",
)
.labels(&["primitive", "cause"]);

/// How long operations took.
pub(crate) const OPERATION_DURATION: MetricSpec = MetricSpec::histogram(
    "cache_operation_duration_seconds",
    Unit::Seconds,
    "Time that an operation took: get (hit, stale, miss), set (ok, error), evict (ok), compute (ok, \
     error, stale where an older value stood in for the error), refresh (ok, error).",
)
.labels(&["primitive", "operation", "result"])
.bounds(&[
    0.000_000_1,
    0.000_001,
    0.000_01,
    0.000_1,
    0.000_5,
    0.001,
    0.002_5,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
])
.aliases(&["cache_latency_seconds"]);

/// Money not spent.
pub(crate) const COST_SAVINGS: MetricSpec = MetricSpec::counter(
    "cache_cost_savings_usd_total",
    Unit::UsDollars,
    "What the computations that hits avoided had cost when they were made.",
)
.labels(&["primitive"])
.aliases(&["cache_cost_savings_usd"]);

/// Callers that shared a computation.
pub(crate) const COALESCED: MetricSpec = MetricSpec::counter(
    "cache_coalesced_total",
    Unit::One,
    "Hits that waited for the computation of another caller instead of making their own.",
)
.labels(&["primitive"]);

/// Looking a key up.
pub(crate) const GET_SPAN: SpanSpec = SpanSpec {
    name: "cache.get",
    help: "Looking a key up, and waiting where another caller is computing it.",
    attributes: &[
        "cache.hit",
        "cache.miss_reason",
        "cache.key_hash",
        "cache.coalesced",
        "cache.tier",
        "cache.stale",
        "cache.saved_usd",
    ],
};

/// Storing a value.
pub(crate) const SET_SPAN: SpanSpec = SpanSpec {
    name: "cache.set",
    help: "Storing what was computed.",
    attributes: &[
        "cache.key_hash",
        "cache.stored",
        "cache.evicted",
        "cache.negative",
        "cache.ttl_ms",
        "cache.outside",
        "cost_usd",
    ],
};

/// Computing anew.
pub(crate) const REFRESH_SPAN: SpanSpec = SpanSpec {
    name: "cache.refresh",
    help: "Computing a value anew in the background, below the lookup that found it old.",
    attributes: &["cache.key_hash", "cache.refresh_reason"],
};

/// Removing an entry.
pub(crate) const EVICT_SPAN: SpanSpec = SpanSpec {
    name: "cache.evict",
    help: "Removing an entry that has expired or that the program wants gone.",
    attributes: &["cache.key_hash", "cache.evict_cause"],
};

/// A tier outside is not asked any more.
pub(crate) const TIER_DEGRADED: LogSpec = LogSpec {
    name: "cache_degraded",
    help: "A tier outside the process does not answer and is not asked until it does; calls compute. \
           At warn, once for each change.",
    fields: &["tier", "endpoint", "error_type"],
};

/// A tier outside is asked again.
pub(crate) const TIER_RECOVERED: LogSpec = LogSpec {
    name: "cache_recovered",
    help: "A tier outside the process has answered again for a while. At info, once for each change.",
    fields: &["tier", "endpoint", "duration_ms"],
};

/// An operation of a tier outside failed.
pub(crate) const TIER_ERROR: LogSpec = LogSpec {
    name: "cache_tier_error",
    help: "An operation of a tier outside the process failed, which counts as a miss. At warn, once \
           a minute for each kind of error.",
    fields: &["tier", "endpoint", "error_type"],
};
