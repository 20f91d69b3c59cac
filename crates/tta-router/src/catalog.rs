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
    ],
    spans: &[&SELECT_SPAN, &EXECUTE_SPAN],
    logs: &[&STRATEGY_FAILED],
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
    "What executions of a route cost, failed and abandoned ones included.",
)
.labels(&["primitive", "route"]);

/// What a route saved.
pub(crate) const SAVINGS: MetricSpec = MetricSpec::counter(
    "router_cost_savings_usd_total",
    Unit::UsDollars,
    "What answers of a route cost less than the dearest candidate would have for the same usage. \
     What calls cost that gave no answer is in the cost and never saved.",
)
.labels(&["primitive", "route"])
.aliases(&["router_cost_savings_usd"]);

/// Deciding.
pub(crate) const SELECT_SPAN: SpanSpec = SpanSpec {
    name: "router.select_route",
    help: "Deciding for a route; its event `route_decision_made` stands at the end.",
    attributes: &[
        "route_selected",
        "route.reason",
        "route.score",
        "route.expected_cost_usd",
        "route.baseline_cost_usd",
    ],
};

/// Running the route.
pub(crate) const EXECUTE_SPAN: SpanSpec = SpanSpec {
    name: "router.execute_route",
    help: "Running the route that was chosen.",
    attributes: &["route_selected", "cost_usd", "saving_usd", "error.type"],
};

/// The strategy could not decide.
pub(crate) const STRATEGY_FAILED: LogSpec = LogSpec {
    name: "router_strategy_failed",
    help: "The strategy failed or named a route that does not exist; the default route was taken. \
           At warn.",
    fields: &["primitive", "route", "reason", "error"],
};
