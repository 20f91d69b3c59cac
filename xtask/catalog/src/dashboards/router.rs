//! *Router and Cost*: where do requests go, why, and is that worth it?

use super::{Dashboard, Look, PRIMITIVE, Panel, Row};

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "tta-router-and-cost",
        title: "Router and Cost",
        description: "Where routers send requests and why, how the routes do, and what that costs \
                      and saves.",
        variables: &[PRIMITIVE],
        rows: vec![
            Row::open("Money within the time shown", totals()),
            Row::open("Cost and savings", money()),
            Row::open("Routes", routes()),
        ],
    }
}

fn totals() -> Vec<Panel> {
    let number = |title, description, promql| {
        Panel::new(
            Look::Number,
            title,
            "currencyUSD",
            description,
            &[("", promql)],
        )
        .wide(6)
    };
    vec![
        number(
            "Cost",
            "What was paid: failed, refused and abandoned calls, deciding and verifying included.",
            "sum(increase(router_cost_usd_total[$__range]))",
        ),
        number(
            "Gross savings",
            "What requests cost less than their answer would have on the dearest candidate, of \
             those that did.",
            "sum(increase(router_cost_savings_usd_total[$__range]))",
        ),
        number(
            "Overhead",
            "What requests cost more than their answer would have on the dearest candidate, of \
             those that did; all that they cost if they gave no answer.",
            "sum(increase(router_cost_losses_usd_total[$__range]))",
        ),
        number(
            "Net savings",
            "Gross savings less overhead. Negative where routing costs more than it saves.",
            "sum(increase(router_cost_savings_usd_total[$__range])) \
             - sum(increase(router_cost_losses_usd_total[$__range]))",
        ),
    ]
}

fn money() -> Vec<Panel> {
    vec![
        Panel::new(
            Look::Stack,
            "Cost per hour by route",
            "currencyUSD",
            "What calls cost at this pace. The route `none` is deciding that led to none.",
            &[(
                "{{route}}",
                "3600 * sum by (route) (rate(router_cost_usd_total[$__rate_interval]))",
            )],
        ),
        Panel::new(
            Look::Lines,
            "Savings per hour",
            "currencyUSD",
            "Gross savings, overhead, and the net of both, at this pace.",
            &[
                (
                    "gross",
                    "3600 * sum(rate(router_cost_savings_usd_total[$__rate_interval]))",
                ),
                (
                    "overhead",
                    "3600 * sum(rate(router_cost_losses_usd_total[$__rate_interval]))",
                ),
                (
                    "net",
                    "3600 * (sum(rate(router_cost_savings_usd_total[$__rate_interval])) \
                     - sum(rate(router_cost_losses_usd_total[$__rate_interval])))",
                ),
            ],
        ),
        Panel::new(
            Look::Lines,
            "Wasted by hedges",
            "currencyUSD",
            "What second attempts cost per hour whose answer nobody needed. A part of the cost.",
            &[(
                "{{primitive}}",
                "3600 * sum by (primitive) (rate(hedge_wasted_cost_usd_total[$__rate_interval]))",
            )],
        ),
        Panel::new(
            Look::Lines,
            "Cost per decision",
            "currencyUSD",
            "Mean cost of what follows a decision, by route.",
            &[(
                "{{route}}",
                "sum by (route) (rate(router_cost_usd_total[$__rate_interval])) \
                 / sum by (route) (rate(router_decisions_total[$__rate_interval]))",
            )],
        ),
    ]
}

fn routes() -> Vec<Panel> {
    vec![
        Panel::new(
            Look::Lines,
            "Route shares",
            "percentunit",
            "Share of the decisions for each route.",
            &[(
                "{{route}}",
                "sum by (route) (rate(router_decisions_total[$__rate_interval])) \
                 / scalar(sum(rate(router_decisions_total[$__rate_interval])))",
            )],
        ),
        Panel::new(
            Look::Stack,
            "Decisions by reason",
            "ops",
            "Decisions per second, by the route and the reason for it.",
            &[(
                "{{route}} {{reason}}",
                "sum by (route, reason) (rate(router_decisions_total[$__rate_interval]))",
            )],
        ),
        Panel::new(
            Look::Lines,
            "Route latency",
            "s",
            "Within which 95 of 100 executions of a route ended. The points are single ones: click \
             one for its trace.",
            &[(
                "{{route}}",
                "histogram_quantile(0.95, sum by (route, le) \
                 (rate(router_execution_duration_seconds_bucket[$__rate_interval])))",
            )],
        ),
        Panel::new(
            Look::Stack,
            "Route errors",
            "ops",
            "Executions of routes per second that ended in an error, by its kind.",
            &[(
                "{{route}} {{error_type}}",
                "sum by (route, error_type) (rate(router_errors_total[$__rate_interval]))",
            )],
        ),
        Panel::new(
            Look::Lines,
            "Time to decide",
            "s",
            "Within which 95 of 100 decisions were made.",
            &[(
                "{{primitive}}",
                "histogram_quantile(0.95, sum by (primitive, le) \
                 (rate(router_decision_duration_seconds_bucket[$__rate_interval])))",
            )],
        ),
    ]
}
