//! What this crate emits.

use tta_core::{Catalog, LogSpec, MetricSpec, SpanSpec, Unit};

/// What `tta-breaker` emits.
pub const CATALOG: Catalog = Catalog {
    crate_name: "tta-breaker",
    metrics: &[&STATE, &TRANSITIONS, &REJECTIONS],
    spans: &[&EXECUTION_SPAN],
    logs: &[&STATE_CHANGED],
};

/// Where breakers stand.
pub(crate) const STATE: MetricSpec = MetricSpec::gauge(
    "circuit_breaker_state",
    Unit::One,
    "1 for the state that the breaker is in and 0 for the others; of several breakers of one name, \
     how many are in each. An isolated one is open.",
)
.labels(&["primitive", "state"]);

/// Changes of state.
pub(crate) const TRANSITIONS: MetricSpec = MetricSpec::counter(
    "circuit_breaker_transitions_total",
    Unit::One,
    "Changes of a breaker's state.",
)
.labels(&["primitive", "from", "to"]);

/// Calls that were not made.
pub(crate) const REJECTIONS: MetricSpec = MetricSpec::counter(
    "circuit_breaker_rejections_total",
    Unit::One,
    "Calls that a breaker rejected: open or isolated, or half open with its probes under way.",
)
.labels(&["primitive"]);

/// What a breaker adds to the span of its primitive.
pub(crate) const EXECUTION_SPAN: SpanSpec = SpanSpec {
    name: "{primitive}.execute",
    help: "One execution under a circuit breaker; its event `circuit_breaker_state_changed` stands \
           where it changed the breaker's state.",
    attributes: &[
        "circuit_breaker.state",
        "circuit_breaker.reason",
        "circuit_breaker.failures",
        "circuit_breaker.retry_after_ms",
    ],
};

/// A breaker changed its state.
pub(crate) const STATE_CHANGED: LogSpec = LogSpec {
    name: "circuit_breaker_state_changed",
    help: "A breaker changed its state, once for each change: at warn where it opens, at info where \
           it recovers. `failures` of `calls` opened it, slow calls for the reason `slow_call_rate`.",
    fields: &[
        "primitive",
        "from",
        "to",
        "reason",
        "failures",
        "calls",
        "wait_ms",
        "error_type",
    ],
};
