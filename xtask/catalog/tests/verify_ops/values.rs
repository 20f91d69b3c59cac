//! What panels show beside what the demonstration counted itself.

use serde_json::Value;
use tta_catalog::dashboards;
use tta_catalog::known::Known;
use tta_testkit::servers::PrometheusServer;

use crate::demo::Demo;
use crate::panels::filled;

/// A panel with one number, the same number in the summary, and the counters it is made of.
struct Compared {
    panel: &'static str,
    counted: fn(&Value) -> f64,
    /// What the first scrape already showed of these is in the summary, and cannot be seen as growth.
    counters: &'static str,
    /// What the counters are divided by, where a share is shown.
    by: fn(&Value) -> f64,
}

/// Panels whose number is not the one that was counted.
pub(crate) fn wrong(
    prometheus: &PrometheusServer,
    demo: &Demo,
    known: &Known,
    summary: &Value,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for compared in COMPARED {
        let all = dashboards::all();
        let found = all.iter().find_map(|dashboard| {
            let (_, panel) = dashboard
                .panels()
                .find(|(_, it)| it.title == compared.panel)?;
            Some(filled(dashboard, panel.queries.first()?, known, demo))
        });
        let shown = number(prometheus, &found.unwrap());
        let counted = (compared.counted)(summary);
        let (start, end) = demo.span();
        let seconds = end.duration_since(start).unwrap().as_secs() + 1;
        // A counter only grows: its least value is that of the first scrape. Beyond it the growth is
        // extrapolated to the edges of the time shown, by less than an interval of 1 s at either.
        let first = match compared.counters {
            "" => 0.0,
            counters => number(
                prometheus,
                &format!("sum(min_over_time({counters}[{seconds}s]))"),
            ),
        };
        let error = first / (compared.by)(summary) + 0.03 * counted.abs() + 1e-9;
        println!(
            "value {}: shown {shown:.4}, counted {counted:.4}, may differ by {error:.4}",
            compared.panel
        );
        // Not a number is within no error.
        let is_near = (shown - counted).abs() <= error;
        if !is_near {
            let panel = compared.panel;
            wrong.push(format!(
                "{panel} shows {shown}, the demonstration counted {counted}"
            ));
        }
    }
    wrong
}

fn number(prometheus: &PrometheusServer, promql: &str) -> f64 {
    let answer = prometheus.query(promql).unwrap();
    answer.first().map_or(f64::NAN, |(_, value)| *value)
}

fn at(summary: &Value, pointer: &str) -> f64 {
    summary.pointer(pointer).and_then(Value::as_f64).unwrap()
}

fn errors(summary: &Value) -> f64 {
    let errors = summary.pointer("/errors").and_then(Value::as_array);
    let counts = errors.into_iter().flatten();
    counts.filter_map(|it| it.get(1)?.as_f64()).sum()
}

const COMPARED: &[Compared] = &[
    Compared {
        panel: "Requests",
        counted: |it| at(it, "/requests"),
        counters: "workflow_executions_total{workflow=\"assistant\"}",
        by: |_| 1.0,
    },
    Compared {
        panel: "Failed",
        counted: |it| errors(it) / at(it, "/requests"),
        counters: "workflow_executions_total{workflow=\"assistant\"}",
        by: |it| at(it, "/requests"),
    },
    Compared {
        panel: "Active now",
        counted: |_| 0.0,
        counters: "",
        by: |_| 1.0,
    },
    Compared {
        panel: "Answered by caches",
        counted: |it| at(it, "/cache/hit_rate"),
        counters: "cache_hits_total",
        by: |it| at(it, "/requests"),
    },
    Compared {
        panel: "Spent",
        counted: |it| at(it, "/cost/actual_usd"),
        counters: "router_cost_usd_total",
        by: |_| 1.0,
    },
    Compared {
        panel: "Saved",
        counted: |it| at(it, "/cost/cache_savings_usd"),
        counters: "cache_cost_savings_usd_total",
        by: |_| 1.0,
    },
    Compared {
        panel: "Hits",
        counted: |it| at(it, "/cache/hits"),
        counters: "cache_hits_total",
        by: |_| 1.0,
    },
    Compared {
        panel: "Misses",
        counted: |it| at(it, "/cache/misses"),
        counters: "cache_misses_total",
        by: |_| 1.0,
    },
    Compared {
        panel: "Waits shared",
        counted: |it| at(it, "/cache/coalesced"),
        counters: "cache_coalesced_total",
        by: |_| 1.0,
    },
    Compared {
        panel: "Cost",
        counted: |it| at(it, "/cost/actual_usd"),
        counters: "router_cost_usd_total",
        by: |_| 1.0,
    },
    Compared {
        panel: "Gross savings",
        counted: |it| at(it, "/cost/router_savings_usd"),
        counters: "router_cost_savings_usd_total",
        by: |_| 1.0,
    },
    Compared {
        panel: "Recorded",
        counted: |it| at(it, "/ledger/created"),
        counters: "telemetry_records_created_total",
        by: |_| 1.0,
    },
];
