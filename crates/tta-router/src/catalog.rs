//! What this crate emits.

use tta_core::{Catalog, LogSpec, MetricSpec, SpanSpec, Unit};

/// What `tta-router` emits.
pub const CATALOG: Catalog = Catalog {
    crate_name: "tta-router",
    metrics: &[
        &DECISIONS,
        &DECISION_DURATION,
        &EXECUTION_DURATION,
        &ERRORS,
        &COST,
        &SAVINGS,
        &LOSSES,
    ],
    spans: &[&SELECT_SPAN, &EXECUTE_SPAN, &VERIFY_SPAN],
    logs: &[&STRATEGY_FAILED, &VERIFIER_FAILED],
};

/// Decisions, by route and reason.
pub(crate) const DECISIONS: MetricSpec = MetricSpec::counter(
    "router_decisions_total",
    Unit::One,
    "Decisions for a route, by the reason for it.",
)
.labels(&["primitive", "route", "reason"])
.aliases(&["router_route_selected_total", "router_route_selected"]);

/// How long deciding took.
pub(crate) const DECISION_DURATION: MetricSpec = MetricSpec::histogram(
    "router_decision_duration_seconds",
    Unit::Seconds,
    "Time that it took to decide for a route.",
)
.labels(&["primitive"])
.bounds(&[
    1e-7, 2.5e-7, 5e-7, 1e-6, 2.5e-6, 5e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0,
]);

/// How long routes took.
pub(crate) const EXECUTION_DURATION: MetricSpec = MetricSpec::histogram(
    "router_execution_duration_seconds",
    Unit::Seconds,
    "Time that executions of a route took, however they ended.",
)
.labels(&["primitive", "route"])
.aliases(&["router_execution_seconds"]);

/// Failed executions of a route.
pub(crate) const ERRORS: MetricSpec = MetricSpec::counter(
    "router_errors_total",
    Unit::One,
    "Executions of a route that ended in an error, by its kind; route `none` where no route was \
     found.",
)
.labels(&["primitive", "route", "error_type"]);

/// What executions of a route cost.
pub(crate) const COST: MetricSpec = MetricSpec::counter(
    "router_cost_usd_total",
    Unit::UsDollars,
    "What executions of a route cost: failed, refused and abandoned ones, deciding and verifying \
     included; route `none` where deciding led to none.",
)
.labels(&["primitive", "route"]);

/// What a route saved.
pub(crate) const SAVINGS: MetricSpec = MetricSpec::counter(
    "router_cost_savings_usd_total",
    Unit::UsDollars,
    "What requests that ended at a route cost less, everything included, than their answer would \
     have on the dearest candidate. Less router_cost_losses_usd_total it is the net.",
)
.labels(&["primitive", "route"])
.aliases(&["router_cost_savings_usd"]);

/// What a route lost.
pub(crate) const LOSSES: MetricSpec = MetricSpec::counter(
    "router_cost_losses_usd_total",
    Unit::UsDollars,
    "What requests that ended at a route cost more, everything included, than their answer would \
     have on the dearest candidate; all that they cost if they gave no answer.",
)
.labels(&["primitive", "route"]);

/// Deciding.
pub(crate) const SELECT_SPAN: SpanSpec = SpanSpec {
    name: "router.select_route",
    help: "Deciding for a route; its event `route_decision_made` stands at the end.",
    attributes: &[
        "route_selected",
        "model",
        "route.reason",
        "route.score",
        "route.expected_cost_usd",
        "route.baseline_cost_usd",
        "route.candidates",
        "route.rule",
        "route.turn",
        "route.share",
        "route.key_hash",
        "route.in_flight",
        "route.latency_ms",
        "route.latency_target_ms",
        "route.avoided",
        "route.failures",
        "route.threshold",
        "route.length",
        "route.structure",
        "route.code",
        "route.digits",
        "route.reasoning",
    ],
};

/// Running the route.
pub(crate) const EXECUTE_SPAN: SpanSpec = SpanSpec {
    name: "router.execute_route",
    help: "Running a route: the one that was chosen, or one that its answer or error led to.",
    attributes: &[
        "route_selected",
        "model",
        "route.reason",
        "cost_usd",
        "saving_usd",
        "error.type",
    ],
};

/// Judging an answer.
pub(crate) const VERIFY_SPAN: SpanSpec = SpanSpec {
    name: "router.verify_answer",
    help: "Finding out whether the answer of a cheap route is good enough.",
    attributes: &[
        "route_selected",
        "verify.accepted",
        "verify.score",
        "cost_usd",
        "saving_usd",
        "error.type",
    ],
};

/// The verifier could not decide.
pub(crate) const VERIFIER_FAILED: LogSpec = LogSpec {
    name: "router_verifier_failed",
    help: "The verifier of a cascade failed; the call was escalated. At warn.",
    fields: &["primitive", "route", "error"],
};

/// The strategy could not decide.
pub(crate) const STRATEGY_FAILED: LogSpec = LogSpec {
    name: "router_strategy_failed",
    help: "The strategy failed or named a route that does not exist; the default route was taken. \
           At warn.",
    fields: &["primitive", "route", "reason", "error"],
};
