//! What this crate emits.

use tta_core::{Catalog, MetricSpec, SpanSpec, Unit};

/// What `tta-limit` emits.
pub const CATALOG: Catalog = Catalog {
    crate_name: "tta-limit",
    metrics: &[&EXECUTIONS, &WAIT_DURATION, &CAPACITY, &IN_USE, &QUEUED],
    spans: &[&WAIT_SPAN],
    logs: &[],
};

/// What became of calls at a limit.
pub(crate) const EXECUTIONS: MetricSpec = MetricSpec::counter(
    "limit_executions_total",
    Unit::One,
    "Calls at a limit: admitted, or rejected because the queue was full, because the queue timeout \
     or the deadline of the call would pass in it, or cancelled while they waited.",
)
.labels(&["primitive", "outcome"]);

/// How long calls waited.
pub(crate) const WAIT_DURATION: MetricSpec = MetricSpec::histogram(
    "limit_wait_duration_seconds",
    Unit::Seconds,
    "Time that calls waited in the queue of a limit, however the wait ended; calls that were \
     admitted or rejected at once did not wait.",
)
.labels(&["primitive"]);

/// What there is to be given out.
pub(crate) const CAPACITY: MetricSpec = MetricSpec::gauge(
    "limit_capacity",
    Unit::One,
    "Executions that a bulkhead admits at once; the burst of a rate limit.",
)
.labels(&["primitive"]);

/// What is given out.
pub(crate) const IN_USE: MetricSpec = MetricSpec::gauge(
    "limit_in_use",
    Unit::One,
    "Executions under way in a bulkhead; tokens of a rate limit that have not come back yet.",
)
.labels(&["primitive"]);

/// Who waits.
pub(crate) const QUEUED: MetricSpec = MetricSpec::gauge(
    "limit_queued",
    Unit::One,
    "Calls that wait in the queue of a limit.",
)
.labels(&["primitive"]);

/// Waiting in the queue.
pub(crate) const WAIT_SPAN: SpanSpec = SpanSpec {
    name: "limit.wait",
    help: "Waiting in the queue of a limit, for a call that was neither admitted nor rejected at \
           once.",
    attributes: &["limit.queued_before", "limit.budget_ms", "error.type"],
};
