//! *Workflow Overview*: is it well, and what does it cost?

use super::{Dashboard, Look, PRIMITIVE, Panel, Row, WORKFLOW};

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "tta-workflow-overview",
        title: "Workflow Overview",
        description: "Whether workflows are well: how many, how many fail, how long they take, and \
                      what they cost.",
        variables: &[WORKFLOW, PRIMITIVE],
        rows: vec![
            Row::open("At a glance", glance()),
            Row::open("Workflows", workflows()),
            Row::open("Cache and cost", money()),
        ],
    }
}

fn glance() -> Vec<Panel> {
    let number = |title, unit, description, promql| {
        Panel::new(Look::Number, title, unit, description, &[("", promql)])
    };
    vec![
        number(
            "Requests",
            "short",
            "Workflows that ended within the time shown, whatever became of them.",
            "sum(increase(workflow_executions_total[$__range]))",
        ),
        number(
            "Failed",
            "percentunit",
            "Share of the workflows within the time shown that ended in an error. Nothing where \
             none ended.",
            "(sum(increase(workflow_executions_total{status=\"error\"}[$__range])) or \
             0 * sum(increase(workflow_executions_total[$__range]))) \
             / sum(increase(workflow_executions_total[$__range]))",
        ),
        number(
            "95th percentile",
            "s",
            "Within which 95 of 100 workflows ended, over the time shown. Interpolated between the \
             buckets of the histogram.",
            "histogram_quantile(0.95, \
             sum by (le) (increase(workflow_duration_seconds_bucket[$__range])))",
        ),
        number(
            "Active now",
            "short",
            "Workflows that have begun and not ended.",
            "sum(active_workflows)",
        ),
        number(
            "Answered by caches",
            "percentunit",
            "Share of the lookups within the time shown that were answered without computing.",
            "sum(increase(cache_hits_total[$__range])) \
             / (sum(increase(cache_hits_total[$__range])) \
             + sum(increase(cache_misses_total[$__range])))",
        ),
        number(
            "Spent",
            "currencyUSD",
            "What routers spent within the time shown: failed, refused and abandoned calls \
             included.",
            "sum(increase(router_cost_usd_total[$__range]))",
        ),
    ]
}

fn workflows() -> Vec<Panel> {
    vec![
        Panel::new(
            Look::Stack,
            "Request rate",
            "reqps",
            "Workflows that ended per second, by how: success, error or cancelled.",
            &[(
                "{{workflow}} {{status}}",
                "sum by (workflow, status) (rate(workflow_executions_total[$__rate_interval]))",
            )],
        ),
        Panel::new(
            Look::Lines,
            "Error rate",
            "percentunit",
            "Share of workflows that end in an error; those that were cancelled are no errors.",
            &[(
                "{{workflow}}",
                "(sum by (workflow) (rate(workflow_executions_total{status=\"error\"}\
                 [$__rate_interval])) \
                 or 0 * sum by (workflow) (rate(workflow_executions_total[$__rate_interval]))) \
                 / sum by (workflow) (rate(workflow_executions_total[$__rate_interval]))",
            )],
        ),
        Panel::new(
            Look::Lines,
            "Latency",
            "s",
            "How long workflows take, from start to end. The points are single requests: click one \
             for its trace.",
            &[
                (
                    "{{workflow}} p50",
                    "histogram_quantile(0.5, sum by (workflow, le) \
                     (rate(workflow_duration_seconds_bucket[$__rate_interval])))",
                ),
                (
                    "{{workflow}} p95",
                    "histogram_quantile(0.95, sum by (workflow, le) \
                     (rate(workflow_duration_seconds_bucket[$__rate_interval])))",
                ),
                (
                    "{{workflow}} p99",
                    "histogram_quantile(0.99, sum by (workflow, le) \
                     (rate(workflow_duration_seconds_bucket[$__rate_interval])))",
                ),
            ],
        ),
        Panel::new(
            Look::Lines,
            "Active workflows",
            "short",
            "Workflows that have begun and not ended. A line that rises and does not fall is one \
             that waits for something.",
            &[("{{workflow}}", "sum by (workflow) (active_workflows)")],
        ),
    ]
}

fn money() -> Vec<Panel> {
    vec![
        Panel::new(
            Look::Lines,
            "Cache hit rate",
            "percentunit",
            "Share of lookups that are answered without computing.",
            &[(
                "{{primitive}}",
                "sum by (primitive) (rate(cache_hits_total[$__rate_interval])) \
                 / (sum by (primitive) (rate(cache_hits_total[$__rate_interval])) \
                 + sum by (primitive) (rate(cache_misses_total[$__rate_interval])))",
            )],
        ),
        Panel::new(
            Look::Stack,
            "Cost per hour",
            "currencyUSD",
            "What calls cost at this pace, by route. Everything that was paid is in it, wanted or \
             not.",
            &[(
                "{{route}}",
                "3600 * sum by (route) (rate(router_cost_usd_total[$__rate_interval]))",
            )],
        ),
    ]
}
