//! What somebody is told, objectives apart.

use super::{Alert, Group, Rule, RuleFile, Severity};

pub(super) fn file() -> RuleFile {
    RuleFile {
        file: "alerts.yml",
        comment: "What to tell somebody. Each alert has a runbook in docs/runbooks/, a test in\n\
                  ../tests/, and is seen to fire for a real fault by `cargo xtask verify-ops`."
            .to_owned(),
        groups: vec![
            group("tta-workflows", workflows()),
            group("tta-primitives", primitives()),
            group("tta-telemetry", telemetry()),
        ],
    }
}

fn workflows() -> Vec<Alert> {
    vec![Alert {
        name: "TtaWorkflowErrorRateHigh",
        promql: "job_workflow:workflow_errors:ratio_rate5m > 0.05\n\
                 and job_workflow:workflow_executions:rate5m > 0.05"
            .to_owned(),
        hold: "5m".to_owned(),
        severity: Severity::Critical,
        labels: Vec::new(),
        summary: "{{ $value | humanizePercentage }} of the workflow {{ $labels.workflow }} fail"
            .to_owned(),
        description: "For 5 minutes more than 5 % of the executions of {{ $labels.workflow }} \
                      ({{ $labels.job }}) have ended in an error. Which step they fail at: the \
                      panel Errors by type of Primitive Performance."
            .to_owned(),
    }]
}

fn primitives() -> Vec<Alert> {
    vec![
        Alert {
            name: "TtaCircuitBreakerOpen",
            // The longest of ten probes in vain opens it again within this time, so that one which
            // flaps counts as open.
            promql: "max by (job, instance, primitive) (\n  \
                     max_over_time(circuit_breaker_state{state=\"open\"}[2m])) > 0"
                .to_owned(),
            hold: "2m".to_owned(),
            severity: Severity::Warning,
            labels: Vec::new(),
            summary: "The breaker {{ $labels.primitive }} is open".to_owned(),
            description: "For 2 minutes {{ $labels.primitive }} on {{ $labels.instance }} has not \
                          stayed closed: what is behind it fails, and calls are rejected without \
                          being made."
                .to_owned(),
        },
        Alert {
            name: "TtaCacheHitRateDrop",
            promql: "job_primitive:cache_hits:ratio_rate15m\n  \
                     < 0.5 * job_primitive:cache_hits:ratio_rate6h\n\
                     and job_primitive:cache_lookups:rate15m > 0.1"
                .to_owned(),
            hold: "10m".to_owned(),
            severity: Severity::Warning,
            labels: Vec::new(),
            summary: "The cache {{ $labels.primitive }} answers \
                      {{ $value | humanizePercentage }} of its lookups, half of what it used to"
                .to_owned(),
            description: "Over 15 minutes the hit rate of {{ $labels.primitive }} \
                          ({{ $labels.job }}) is below half of its mean over 6 hours. What is not \
                          answered is computed, and paid."
                .to_owned(),
        },
        Alert {
            name: "TtaRedisDegraded",
            promql: "sum by (job, instance, primitive) (\n  \
                     rate(cache_misses_total{reason=\"backend_error\"}[5m]))\n\
                     / sum by (job, instance, primitive) (rate(cache_misses_total[5m])) > 0.05"
                .to_owned(),
            hold: "2m".to_owned(),
            severity: Severity::Warning,
            labels: Vec::new(),
            summary: "Redis does not answer the cache {{ $labels.primitive }}".to_owned(),
            description: "On {{ $labels.instance }}, {{ $value | humanizePercentage }} of the \
                          misses of {{ $labels.primitive }} are misses because Redis did not \
                          answer. Calls compute; memory still answers what it holds."
                .to_owned(),
        },
        Alert {
            name: "TtaRetriesExhausted",
            promql: "job_primitive:retries_in_vain:ratio_rate10m > 0.1".to_owned(),
            hold: "5m".to_owned(),
            severity: Severity::Warning,
            labels: Vec::new(),
            summary: "{{ $value | humanizePercentage }} of {{ $labels.primitive }} give up"
                .to_owned(),
            description:
                "For 5 minutes, over 10 each time, more than 10 % of the executions under \
                          {{ $labels.primitive }} ({{ $labels.job }}) have used up their attempts \
                          or their retry budget. Retrying does not help against this fault."
                    .to_owned(),
        },
    ]
}

fn telemetry() -> Vec<Alert> {
    vec![
        Alert {
            name: "TtaTelemetryLoss",
            promql: "sum by (job, instance, signal, reason) (\n  \
                     increase(telemetry_records_dropped_total[5m])) > 0"
                .to_owned(),
            hold: "1m".to_owned(),
            severity: Severity::Warning,
            labels: Vec::new(),
            summary: "{{ $labels.instance }} loses {{ $labels.signal }}: {{ $labels.reason }}"
                .to_owned(),
            description: "About {{ $value | humanize }} records of {{ $labels.signal }} were lost \
                          within 5 minutes. The application is not slowed down by this; traces and \
                          logs have holes."
                .to_owned(),
        },
        Alert {
            name: "TtaTelemetryExporterDown",
            // One that has had nothing to send yet is not up either, and nothing is wrong.
            promql: "min by (job, instance, signal, protocol) (telemetry_exporter_up) == 0\n\
                     and sum by (job, instance, signal, protocol) (\n  \
                     increase(telemetry_export_duration_seconds_count[15m])) > 0"
                .to_owned(),
            hold: "5m".to_owned(),
            severity: Severity::Warning,
            labels: Vec::new(),
            summary: "{{ $labels.instance }} cannot export {{ $labels.signal }}".to_owned(),
            description:
                "For 5 minutes the backend has not taken what {{ $labels.instance }} sent \
                          over {{ $labels.protocol }}. Records wait in the queue and are lost when \
                          it is full."
                    .to_owned(),
        },
        Alert {
            name: "TtaTargetDown",
            // Any target that has shown our metrics within a day is ours, whatever its job is
            // called.
            promql: "up == 0 and on (job, instance) last_over_time(tta_build_info[1d])".to_owned(),
            hold: "2m".to_owned(),
            severity: Severity::Critical,
            labels: Vec::new(),
            summary: "{{ $labels.instance }} of {{ $labels.job }} cannot be scraped".to_owned(),
            description: "For 2 minutes no scrape of {{ $labels.instance }} has succeeded. All \
                          other alerts are blind to it."
                .to_owned(),
        },
    ]
}

fn group(name: &str, alerts: Vec<Alert>) -> Group {
    Group {
        name: name.to_owned(),
        rules: alerts.into_iter().map(Rule::Alert).collect(),
    }
}
