//! What alerts read, and what is asked often enough to be kept.

use super::{Group, Record, Rule, RuleFile};

pub(super) fn file() -> RuleFile {
    RuleFile {
        file: "recording.yml",
        comment: "Series made of others, for alerts and for questions over a long time.".to_owned(),
        groups: vec![Group {
            name: "tta-recording".to_owned(),
            rules: rules(),
        }],
    }
}

fn rules() -> Vec<Rule> {
    vec![
        record(
            "job_workflow:workflow_executions:rate5m",
            &["job", "workflow"],
            "sum by (job, workflow) (rate(workflow_executions_total[5m]))",
        ),
        record(
            "job_workflow:workflow_errors:ratio_rate5m",
            &["job", "workflow"],
            "sum by (job, workflow) (rate(workflow_executions_total{status=\"error\"}[5m]))\n\
             / sum by (job, workflow) (rate(workflow_executions_total[5m]))",
        ),
        record(
            "job_workflow:workflow_duration_seconds:p95_rate5m",
            &["job", "workflow"],
            "histogram_quantile(0.95,\n  \
             sum by (job, workflow, le) (rate(workflow_duration_seconds_bucket[5m])))",
        ),
        record(
            "job_primitive:cache_lookups:rate15m",
            &["job", "primitive"],
            "sum by (job, primitive) (rate(cache_hits_total[15m]))\n\
             + sum by (job, primitive) (rate(cache_misses_total[15m]))",
        ),
        record(
            "job_primitive:cache_hits:ratio_rate15m",
            &["job", "primitive"],
            "sum by (job, primitive) (rate(cache_hits_total[15m]))\n\
             / (sum by (job, primitive) (rate(cache_hits_total[15m]))\n  \
             + sum by (job, primitive) (rate(cache_misses_total[15m])))",
        ),
        record(
            "job_primitive:cache_hits:ratio_rate6h",
            &["job", "primitive"],
            "sum by (job, primitive) (rate(cache_hits_total[6h]))\n\
             / (sum by (job, primitive) (rate(cache_hits_total[6h]))\n  \
             + sum by (job, primitive) (rate(cache_misses_total[6h])))",
        ),
        record(
            "job_primitive:retries_in_vain:ratio_rate10m",
            &["job", "primitive"],
            "sum by (job, primitive) (\n  \
             rate(retry_executions_total{outcome=~\"exhausted|budget\"}[10m]))\n\
             / sum by (job, primitive) (rate(retry_executions_total[10m]))",
        ),
        record(
            "job_route:router_cost_usd:increase1h",
            &["job", "route"],
            "sum by (job, route) (increase(router_cost_usd_total[1h]))",
        ),
    ]
}

fn record(name: &str, grouping: &[&str], promql: &str) -> Rule {
    Rule::Record(Record {
        name: name.to_owned(),
        promql: promql.to_owned(),
        labels: Vec::new(),
        grouping: grouping.iter().map(|&label| label.to_owned()).collect(),
    })
}
