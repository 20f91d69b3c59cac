//! What this crate emits.

use tta_core::{Catalog, MetricSpec, SpanSpec, Unit};

/// What `tta-timeout` emits.
pub const CATALOG: Catalog = Catalog {
    crate_name: "tta-timeout",
    metrics: &[&SUCCESSES, &FAILURES, &DURATION, &RATE],
    spans: &[&EXECUTE_SPAN, &CANCEL_SPAN, &FALLBACK_SPAN],
    logs: &[],
};

/// Executions that ended in time.
pub(crate) const SUCCESSES: MetricSpec = MetricSpec::counter(
    "timeout_successes_total",
    Unit::One,
    "Executions that succeeded in time: within the limit, or past it within the grace period.",
)
.labels(&["primitive", "within"]);

/// Executions that were cut off.
pub(crate) const FAILURES: MetricSpec = MetricSpec::counter(
    "timeout_failures_total",
    Unit::One,
    "Executions that ran out of time, by what ended them: the limit of this primitive or an \
     earlier deadline that it inherited.",
)
.labels(&["primitive", "cause"])
.aliases(&["timeout_triggered_total"]);

/// How long executions took.
pub(crate) const DURATION: MetricSpec = MetricSpec::histogram(
    "timeout_execution_duration_seconds",
    Unit::Seconds,
    "Time that the operation under the timeout took, until it ended or was cut off.",
)
.labels(&["primitive"])
.aliases(&["timeout_execution_seconds", "timeout_duration_seconds"]);

/// The share of executions that were cut off.
pub(crate) const RATE: MetricSpec = MetricSpec::gauge(
    "timeout_rate",
    Unit::Ratio,
    "Share of executions since the start that ran out of time; 0 when there were none.",
)
.labels(&["primitive"]);

/// The operation under the timeout.
pub(crate) const EXECUTE_SPAN: SpanSpec = SpanSpec {
    name: "timeout.execute",
    help: "The operation under the timeout, until it ended or was cut off.",
    attributes: &[
        "timeout.limit_ms",
        "timeout.grace_ms",
        "timeout.minimum_ms",
        "timeout.budget_ms",
        "timeout.deadline_inherited",
        "timeout.within",
        "timeout.overrun_ms",
        "error.type",
    ],
};

/// Dropping the operation.
pub(crate) const CANCEL_SPAN: SpanSpec = SpanSpec {
    name: "timeout.cancel",
    help: "Dropping the operation that ran out of time.",
    attributes: &["timeout.cause"],
};

/// Answering instead.
pub(crate) const FALLBACK_SPAN: SpanSpec = SpanSpec {
    name: "timeout.fallback",
    help: "The fallback of an operation that ran past its limit.",
    attributes: &["error.type"],
};
