//! What this crate emits.

use tta_core::{Catalog, MetricSpec, SpanSpec, Unit};

/// What `tta-retry` emits.
pub const CATALOG: Catalog = Catalog {
    crate_name: "tta-retry",
    metrics: &[
        &EXECUTIONS,
        &ATTEMPTS,
        &BACKOFF,
        &HEDGES,
        &HEDGE_DELAY,
        &HEDGE_WASTED,
    ],
    spans: &[&ATTEMPT_SPAN, &HEDGE_SPAN, &CANCEL_SPAN],
    logs: &[],
};

/// How executions ended.
pub(crate) const EXECUTIONS: MetricSpec = MetricSpec::counter(
    "retry_executions_total",
    Unit::One,
    "Executions under a retry by how they ended: with the first attempt, with a later one, with an \
     error and no attempt or time left, with an error that is not retried, or refused by the budget.",
)
.labels(&["primitive", "outcome"]);

/// How many attempts executions made.
pub(crate) const ATTEMPTS: MetricSpec = MetricSpec::histogram(
    "retry_attempts",
    Unit::One,
    "Attempts that an execution made, the first included.",
)
.labels(&["primitive"])
.bounds(&[1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 13.0]);

/// How long was waited between attempts.
pub(crate) const BACKOFF: MetricSpec = MetricSpec::histogram(
    "retry_backoff_seconds",
    Unit::Seconds,
    "Time waited before one retry.",
)
.labels(&["primitive"]);

/// How hedged executions ended.
pub(crate) const HEDGES: MetricSpec = MetricSpec::counter(
    "hedge_executions_total",
    Unit::One,
    "Executions under a hedge by how they ended: before a second attempt was due, with an answer of \
     the first or the second of two, with two errors, or without the second since the budget was \
     used up.",
)
.labels(&["primitive", "outcome"]);

/// When the second attempt begins.
pub(crate) const HEDGE_DELAY: MetricSpec = MetricSpec::histogram(
    "hedge_delay_seconds",
    Unit::Seconds,
    "How long the first attempt was given before a second one was due.",
)
.labels(&["primitive"]);

/// What losing attempts cost.
pub(crate) const HEDGE_WASTED: MetricSpec = MetricSpec::counter(
    "hedge_wasted_cost_usd_total",
    Unit::UsDollars,
    "Cost of attempts that lost because the other one answered first.",
)
.labels(&["primitive"]);

/// One attempt of a retry.
pub(crate) const ATTEMPT_SPAN: SpanSpec = SpanSpec {
    name: "retry.attempt",
    help: "One attempt, and what was decided after it.",
    attributes: &[
        "retry.attempt",
        "retry.max_attempts",
        "retry.backoff_ms",
        "retry.wait_reason",
        "retry.decision",
        "retry.next_backoff_ms",
        "error.type",
    ],
};

/// One attempt of a hedge.
pub(crate) const HEDGE_SPAN: SpanSpec = SpanSpec {
    name: "hedge.attempt",
    help: "One of two attempts; it says cancelled when the other one answered first.",
    attributes: &[
        "hedge.attempt",
        "hedge.delay_ms",
        "hedge.delay_reason",
        "error.type",
    ],
};

/// Dropping the attempt that lost.
pub(crate) const CANCEL_SPAN: SpanSpec = SpanSpec {
    name: "hedge.cancel",
    help: "Dropping the attempt that lost, and what it has cost.",
    attributes: &[
        "hedge.attempt",
        "hedge.wasted_cost_usd",
        "hedge.wasted_tokens",
    ],
};
