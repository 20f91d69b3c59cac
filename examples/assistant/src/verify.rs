//! Whether `/metrics` says what the program counted itself.

use crate::scrape::Scrape;
use crate::tally::Counts;

/// The name of the workflow, in its spans and metrics.
pub const WORKFLOW: &str = "assistant";

/// One total, as counted and as shown.
struct Total {
    metric: &'static str,
    labels: Vec<(&'static str, &'static str)>,
    counted: f64,
}

/// Says which totals of a scrape differ from what the program counted.
pub fn disagreements(scrape: &Scrape, counts: &Counts) -> Vec<String> {
    let differs = |total: &Total| {
        let shown = scrape.sum(total.metric, &total.labels);
        // Sums of whole billionths, shown in decimal: the last bit may differ, a billionth may not.
        let same = (shown - total.counted).abs() <= 1e-12 * total.counted.abs();
        (!same).then(|| {
            let labels: Vec<_> = total
                .labels
                .iter()
                .map(|(key, value)| format!("{key}=\"{value}\""))
                .collect();
            format!(
                "{}{{{}}}: counted {}, shown {shown}",
                total.metric,
                labels.join(","),
                total.counted
            )
        })
    };
    totals(counts).iter().filter_map(differs).collect()
}

fn totals(counts: &Counts) -> Vec<Total> {
    let mut totals = Vec::new();
    let mut add = |metric, labels: &[(&'static str, &'static str)], counted: f64| {
        totals.push(Total {
            metric,
            labels: labels.to_vec(),
            counted,
        });
    };
    let workflow = ("workflow", WORKFLOW);
    add(
        "workflow_executions_total",
        &[workflow, ("status", "success")],
        counts.answered as f64,
    );
    add(
        "workflow_executions_total",
        &[workflow, ("status", "error")],
        counts.errors() as f64,
    );
    add(
        "workflow_duration_seconds_count",
        &[workflow],
        counts.requests() as f64,
    );
    add("active_workflows", &[workflow], 0.0);
    for (&name, model) in &counts.models {
        let primitive = ("primitive", name);
        let ended = |status, count: u64| {
            (
                "primitive_executions_total",
                [primitive, ("status", status)],
                count,
            )
        };
        let failed = model.failed.values().sum();
        for (metric, labels, count) in [
            ended("success", model.answered),
            ended("error", failed),
            ended("cancelled", model.abandoned),
        ] {
            add(metric, &labels, count as f64);
        }
        for (&kind, &count) in &model.failed {
            let labels = [primitive, ("error_type", kind)];
            add("primitive_execution_errors_total", &labels, count as f64);
        }
        add("primitive_executions_in_flight", &[primitive], 0.0);
        add(
            "router_decisions_total",
            &[("route", name)],
            model.started as f64,
        );
        add(
            "router_cost_usd_total",
            &[("route", name)],
            model.cost.usd(),
        );
    }
    let models = counts.models.values();
    let (started, abandoned) = models.fold((0, 0), |(s, a), model| {
        (s + model.started, a + model.abandoned)
    });
    add("timeout_failures_total", &[], abandoned as f64);
    let computed: u64 = counts.models.values().map(|model| model.answered).sum();
    add("timeout_successes_total", &[], computed as f64);
    // An answer that no call gave came from the cache; every other request asked it in vain.
    let hits = counts.answered - computed;
    add("cache_hits_total", &[], hits as f64);
    add("cache_misses_total", &[], (counts.requests() - hits) as f64);
    add(
        "router_decision_duration_seconds_count",
        &[],
        started as f64,
    );
    totals
}
