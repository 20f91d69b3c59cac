//! What this crate emits.

use tta_core::{Catalog, MetricSpec, SpanSpec, Unit};

/// What `tta-router` emits.
pub const CATALOG: Catalog = Catalog {
    crate_name: "tta-router",
    metrics: &[
        &DECISIONS,
        &DECISION_DURATION,
        &EXECUTION_DURATION,
        &ERRORS,
        &COST,
        &COST_SAVINGS,
    ],
    spans: &[&SELECT_SPAN, &EXECUTE_SPAN],
    logs: &[],
};

/// Decisions.
pub(crate) const DECISIONS: MetricSpec = MetricSpec::counter(
    "router_decisions_total",
    Unit::One,
    "Decisions by the route taken and the reason: rule, score, round_robin, custom, or what made \
     the default answer: default, unknown_route, strategy_error, strategy_panic.",
)
.labels(&["primitive", "route", "reason"])
.aliases(&["router_route_selected_total", "router_route_selected"]);

/// How long deciding took.
pub(crate) const DECISION_DURATION: MetricSpec = MetricSpec::histogram(
    "router_decision_duration_seconds",
    Unit::Seconds,
    "Time that it took to decide on a route.",
)
.labels(&["primitive"])
.bounds(&[
    0.000_000_1,
    0.000_000_5,
    0.000_001,
    0.000_005,
    0.000_01,
    0.000_1,
    0.000_5,
    0.001,
    0.01,
    0.1,
    0.5,
    1.0,
    5.0,
]);

/// How long routes took.
pub(crate) const EXECUTION_DURATION: MetricSpec = MetricSpec::histogram(
    "router_execution_duration_seconds",
    Unit::Seconds,
    "Time that the chosen route took, however it ended.",
)
.labels(&["primitive", "route"])
.aliases(&["router_execution_seconds"]);

/// Failures.
pub(crate) const ERRORS: MetricSpec = MetricSpec::counter(
    "router_errors_total",
    Unit::One,
    "Failures of the chosen route by kind of error; route `none` where no route could be chosen.",
)
.labels(&["primitive", "route", "error_type"]);

/// Money spent.
pub(crate) const COST: MetricSpec = MetricSpec::counter(
    "router_cost_usd_total",
    Unit::UsDollars,
    "What the calls cost, deciding included: as the steps reported it, or by the route's price.",
)
.labels(&["primitive", "route"]);

/// Money not spent.
pub(crate) const COST_SAVINGS: MetricSpec = MetricSpec::counter(
    "router_cost_savings_usd_total",
    Unit::UsDollars,
    "What calls cost less than the same calls would have on the dearest route. Calls that cost \
     more are not taken off here, since a counter cannot fall: the router's ledger has the net.",
)
.labels(&["primitive", "route"])
.aliases(&["router_cost_savings_usd"]);

/// Deciding.
pub(crate) const SELECT_SPAN: SpanSpec = SpanSpec {
    name: "router.select_route",
    help: "Deciding on a route; with the event `route_decision_made`.",
    attributes: &[
        "route_selected",
        "route.reason",
        "route.score",
        "route.detail",
        "route.expected_cost_usd",
        "route.baseline_cost_usd",
        "error.type",
    ],
};

/// The chosen route.
pub(crate) const EXECUTE_SPAN: SpanSpec = SpanSpec {
    name: "router.execute_route",
    help: "The chosen route.",
    attributes: &[
        "route_selected",
        "cost_usd",
        "route.saved_usd",
        "error.type",
    ],
};
