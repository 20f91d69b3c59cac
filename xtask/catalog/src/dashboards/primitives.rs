//! *Primitive Performance*: which step is slow, failing, busy, retried or cut off?

use super::{Dashboard, Look, PRIMITIVE, Panel, Row, State};

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "tta-primitive-performance",
        title: "Primitive Performance",
        description: "Which step is slow, which fails and of what, and what the primitives around \
                      it do about that.",
        variables: &[PRIMITIVE],
        rows: vec![
            Row::open("Steps", steps()),
            Row::open("Retries and breakers", resilience()),
            Row::folded("Timeouts and limits", limits()),
            Row::folded("Fallbacks and sagas", recovery()),
        ],
    }
}

fn lines(
    title: &'static str,
    unit: &'static str,
    description: &'static str,
    queries: &[(&'static str, &'static str)],
) -> Panel {
    Panel::new(Look::Lines, title, unit, description, queries)
}

fn steps() -> Vec<Panel> {
    vec![
        lines(
            "Latency by primitive",
            "s",
            "Within which 95 of 100 executions end, and the half of them. The points are single \
             executions: click one for its trace.",
            &[
                (
                    "{{primitive}} p50",
                    "histogram_quantile(0.5, sum by (primitive, le) \
                     (rate(primitive_execution_duration_seconds_bucket[$__rate_interval])))",
                ),
                (
                    "{{primitive}} p95",
                    "histogram_quantile(0.95, sum by (primitive, le) \
                     (rate(primitive_execution_duration_seconds_bucket[$__rate_interval])))",
                ),
            ],
        ),
        lines(
            "Mean latency",
            "s",
            "Mean time of an execution. Where it is far above the half, a few are very slow.",
            &[(
                "{{primitive}}",
                "sum by (primitive) \
                 (rate(primitive_execution_duration_seconds_sum[$__rate_interval])) \
                 / sum by (primitive) \
                 (rate(primitive_execution_duration_seconds_count[$__rate_interval]))",
            )],
        ),
        Panel::new(
            Look::Stack,
            "Executions",
            "ops",
            "Executions that ended per second, by how: success, error or cancelled.",
            &[(
                "{{primitive}} {{status}}",
                "sum by (primitive, status) (rate(primitive_executions_total[$__rate_interval]))",
            )],
        ),
        Panel::new(
            Look::Stack,
            "Errors by type",
            "ops",
            "Executions that ended in an error per second, by the kind of error. An error shows at \
             each step that it passes.",
            &[(
                "{{primitive}} {{error_type}}",
                "sum by (primitive, error_type) \
                 (rate(primitive_execution_errors_total[$__rate_interval]))",
            )],
        ),
        lines(
            "In flight",
            "short",
            "Executions that have begun and not ended.",
            &[(
                "{{primitive}}",
                "sum by (primitive) (primitive_executions_in_flight)",
            )],
        ),
        lines(
            "Busy time",
            "short",
            "Processor cores that steps compute on, of those that asked for it to be measured \
             (`.with_busy_time()`). 1 is one whole core: such a step starves others.",
            &[(
                "{{primitive}}",
                "sum by (primitive) (rate(primitive_busy_seconds_total[$__rate_interval]))",
            )],
        ),
    ]
}

fn resilience() -> Vec<Panel> {
    vec![
        Panel::new(
            Look::Stack,
            "Retries by outcome",
            "ops",
            "Executions under a retry per second: with the first attempt, recovered with a later \
             one, or in vain (exhausted, not_retryable, budget).",
            &[(
                "{{primitive}} {{outcome}}",
                "sum by (primitive, outcome) (rate(retry_executions_total[$__rate_interval]))",
            )],
        ),
        lines(
            "Attempts per execution",
            "short",
            "Mean number of attempts, the first included. 1 is no retry at all.",
            &[(
                "{{primitive}}",
                "sum by (primitive) (rate(retry_attempts_sum[$__rate_interval])) \
                 / sum by (primitive) (rate(retry_attempts_count[$__rate_interval]))",
            )],
        ),
        lines(
            "Time in backoff",
            "s",
            "Time that one retry waits, mean and 95th percentile.",
            &[
                (
                    "{{primitive}} mean",
                    "sum by (primitive) (rate(retry_backoff_seconds_sum[$__rate_interval])) \
                     / sum by (primitive) (rate(retry_backoff_seconds_count[$__rate_interval]))",
                ),
                (
                    "{{primitive}} p95",
                    "histogram_quantile(0.95, sum by (primitive, le) \
                     (rate(retry_backoff_seconds_bucket[$__rate_interval])))",
                ),
            ],
        ),
        Panel::new(
            Look::Stack,
            "Hedges by outcome",
            "ops",
            "Executions under a hedge per second: before a second attempt was due, won by the \
             first or the second of two, failed twice, or without the second for want of budget.",
            &[(
                "{{primitive}} {{outcome}}",
                "sum by (primitive, outcome) (rate(hedge_executions_total[$__rate_interval]))",
            )],
        ),
        Panel::new(
            Look::States(&BREAKER),
            "Breaker states",
            "none",
            "Which breakers are closed, half open or open; the worst of all instances.",
            &[(
                "{{primitive}}",
                "clamp_max(max by (primitive) (\
                 circuit_breaker_state{state=\"half_open\"} \
                 + ignoring (state) 2 * circuit_breaker_state{state=\"open\"}), 2)",
            )],
        ),
        lines(
            "Calls rejected by breakers",
            "ops",
            "Calls per second that a breaker did not let through, and changes of its state.",
            &[
                (
                    "{{primitive}} rejected",
                    "sum by (primitive) (rate(circuit_breaker_rejections_total[$__rate_interval]))",
                ),
                (
                    "{{primitive}} {{from}} to {{to}}",
                    "sum by (primitive, from, to) \
                     (rate(circuit_breaker_transitions_total[$__rate_interval]))",
                ),
            ],
        ),
    ]
}

fn limits() -> Vec<Panel> {
    vec![
        lines(
            "Timeouts by cause",
            "ops",
            "Executions per second that ran out of time: at the limit of the primitive itself, or \
             at a deadline that it inherited.",
            &[(
                "{{primitive}} {{cause}}",
                "sum by (primitive, cause) (rate(timeout_failures_total[$__rate_interval]))",
            )],
        ),
        lines(
            "Time under a timeout",
            "s",
            "Within which 95 of 100 operations under a timeout ended or were cut off.",
            &[(
                "{{primitive}}",
                "histogram_quantile(0.95, sum by (primitive, le) \
                 (rate(timeout_execution_duration_seconds_bucket[$__rate_interval])))",
            )],
        ),
        lines(
            "Limits in use",
            "percentunit",
            "Share of a limit's places or tokens that are taken. At 1, calls wait.",
            &[(
                "{{primitive}}",
                "sum by (primitive) (limit_in_use) / sum by (primitive) (limit_capacity)",
            )],
        ),
        lines(
            "Waiting at limits",
            "short",
            "Calls in the queue of a limit.",
            &[("{{primitive}}", "sum by (primitive) (limit_queued)")],
        ),
        Panel::new(
            Look::Stack,
            "Limits by outcome",
            "ops",
            "Calls at limits per second: admitted, or rejected and why.",
            &[(
                "{{primitive}} {{outcome}}",
                "sum by (primitive, outcome) (rate(limit_executions_total[$__rate_interval]))",
            )],
        ),
        lines(
            "Time in queues of limits",
            "s",
            "Within which 95 of 100 of the calls that waited had their place.",
            &[(
                "{{primitive}}",
                "histogram_quantile(0.95, sum by (primitive, le) \
                 (rate(limit_wait_duration_seconds_bucket[$__rate_interval])))",
            )],
        ),
    ]
}

fn recovery() -> Vec<Panel> {
    vec![
        Panel::new(
            Look::Stack,
            "Fallbacks by path",
            "ops",
            "Executions of fallbacks per second, by the path that answered: primary, fallback or \
             none.",
            &[(
                "{{primitive}} {{path}}",
                "sum by (primitive, path) (rate(fallback_executions_total[$__rate_interval]))",
            )],
        ),
        lines(
            "Compensations",
            "ops",
            "Compensations of sagas per second. One that ends in an error has left something \
             undone.",
            &[(
                "{{primitive}} {{outcome}}",
                "sum by (primitive, outcome) (rate(saga_compensations_total[$__rate_interval]))",
            )],
        ),
    ]
}

const BREAKER: [State; 3] = [
    State {
        value: 0,
        text: "closed",
        colour: "green",
    },
    State {
        value: 1,
        text: "half open",
        colour: "yellow",
    },
    State {
        value: 2,
        text: "open",
        colour: "red",
    },
];
