//! *Telemetry Health*: can the other dashboards be believed?

use super::{Dashboard, Look, Panel, Row, State};

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "tta-telemetry-health",
        title: "Telemetry Health",
        description: "Whether what is shown elsewhere can be believed: what was recorded, \
                      delivered and lost, whether exporters and scrapes work, and what the process \
                      takes.",
        variables: &[],
        rows: vec![
            Row::open("Ledger", ledger()),
            Row::open("Exporters", exporters()),
            Row::open("Scrape", scrape()),
            Row::open("Process", process()),
            Row::folded("Sampling and redaction", sampling()),
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

fn number(
    title: &'static str,
    unit: &'static str,
    description: &'static str,
    promql: &'static str,
) -> Panel {
    Panel::new(Look::Number, title, unit, description, &[("", promql)]).wide(6)
}

fn ledger() -> Vec<Panel> {
    vec![
        number(
            "Recorded",
            "short",
            "Spans, log records and data points made within the time shown.",
            "sum(increase(telemetry_records_created_total[$__range]))",
        ),
        number(
            "Delivered",
            "short",
            "Those among them that a backend accepted.",
            "sum(increase(telemetry_records_delivered_total[$__range]))",
        ),
        number(
            "Lost",
            "short",
            "Those that are lost, for whatever reason.",
            "sum(increase(telemetry_records_dropped_total[$__range])) or vector(0)",
        ),
        number(
            "Queued",
            "short",
            "Records that wait to be exported or are on their way, now.",
            "sum(telemetry_queue_records)",
        ),
        lines(
            "Records",
            "cps",
            "Records made and delivered per second. Where the first stays above the second, the \
             queue grows or records are lost.",
            &[
                (
                    "{{signal}} created",
                    "sum by (signal) (rate(telemetry_records_created_total[$__rate_interval]))",
                ),
                (
                    "{{signal}} delivered",
                    "sum by (signal) (rate(telemetry_records_delivered_total[$__rate_interval]))",
                ),
            ],
        ),
        Panel::new(
            Look::Stack,
            "Losses by reason",
            "cps",
            "Records lost per second. Nothing here is as it should be.",
            &[(
                "{{signal}} {{reason}}",
                "sum by (signal, reason) (rate(telemetry_records_dropped_total[$__rate_interval]))",
            )],
        ),
    ]
}

fn exporters() -> Vec<Panel> {
    vec![
        Panel::new(
            Look::States(&UP),
            "Exporters",
            "none",
            "Whether the backend took what it was sent last, of the signals of which anything was sent \
             within the time shown.",
            &[(
                "{{instance}} {{signal}} {{protocol}}",
                "min by (instance, signal, protocol) (telemetry_exporter_up) \
                 and sum by (instance, signal, protocol) \
                 (increase(telemetry_export_duration_seconds_count[$__range])) > 0",
            )],
        ),
        lines(
            "Export duration",
            "s",
            "Within which 95 of 100 attempts to export ended, successful or not.",
            &[(
                "{{signal}} {{protocol}}",
                "histogram_quantile(0.95, sum by (signal, protocol, le) \
                 (rate(telemetry_export_duration_seconds_bucket[$__rate_interval])))",
            )],
        ),
        lines(
            "Queue",
            "short",
            "Records that wait to be exported or are on their way.",
            &[(
                "{{instance}} {{signal}}",
                "sum by (instance, signal) (telemetry_queue_records)",
            )],
        ),
    ]
}

fn scrape() -> Vec<Panel> {
    vec![
        Panel::new(
            Look::States(&UP),
            "Targets",
            "none",
            "Whether the latest scrape of each process succeeded.",
            &[("{{job}} {{instance}}", "min by (job, instance) (up)")],
        ),
        lines(
            "Scrape duration",
            "s",
            "How long a scrape takes as Prometheus sees it, and within the process.",
            &[
                (
                    "{{instance}} seen by Prometheus",
                    "max by (instance) (scrape_duration_seconds)",
                ),
                (
                    "{{instance}} {{endpoint}} p95",
                    "histogram_quantile(0.95, sum by (instance, endpoint, le) \
                     (rate(metrics_server_request_duration_seconds_bucket[$__rate_interval])))",
                ),
            ],
        ),
        lines(
            "Samples per scrape",
            "short",
            "Series that each process shows. A line that keeps rising is a label without bounds.",
            &[("{{instance}}", "max by (instance) (scrape_samples_scraped)")],
        ),
        lines(
            "Requests to the metrics server",
            "reqps",
            "Requests that were answered, by where they went and with what.",
            &[(
                "{{endpoint}} {{status}} {{format}}",
                "sum by (endpoint, status, format) \
                 (rate(metrics_server_requests_total[$__rate_interval]))",
            )],
        ),
        lines(
            "Bytes served",
            "Bps",
            "Bytes of the answers' bodies, after compression.",
            &[(
                "{{endpoint}}",
                "sum by (endpoint) (rate(metrics_server_response_bytes_total[$__rate_interval]))",
            )],
        ),
        lines(
            "Connections",
            "short",
            "Connections to the metrics server that are open, and those per second that it closed \
             before the client wished it.",
            &[
                (
                    "{{instance}} open",
                    "sum by (instance) (metrics_server_connections_open)",
                ),
                (
                    "{{instance}} rejected {{reason}}",
                    "sum by (instance, reason) \
                     (rate(metrics_server_connections_rejected_total[$__rate_interval]))",
                ),
            ],
        ),
        lines(
            "Left out of scrapes",
            "cps",
            "Families of the application's own metrics that could not be shown, and readings whose \
             callback panicked, per second.",
            &[
                (
                    "{{instance}} {{reason}}",
                    "sum by (instance, reason) \
                     (rate(telemetry_user_metrics_skipped_total[$__rate_interval]))",
                ),
                (
                    "{{instance}} callback",
                    "sum by (instance) \
                     (rate(telemetry_metric_callback_failures_total[$__rate_interval]))",
                ),
            ],
        ),
    ]
}

fn process() -> Vec<Panel> {
    vec![
        lines(
            "Processor",
            "short",
            "Processor cores that the process takes; 1 is one whole core.",
            &[(
                "{{instance}}",
                "sum by (instance) (rate(process_cpu_seconds_total[$__rate_interval]))",
            )],
        ),
        lines(
            "Memory",
            "bytes",
            "Resident memory.",
            &[(
                "{{instance}}",
                "sum by (instance) (process_resident_memory_bytes)",
            )],
        ),
        lines(
            "Open files",
            "short",
            "Open file descriptors, sockets included.",
            &[("{{instance}}", "sum by (instance) (process_open_fds)")],
        ),
        lines(
            "Uptime",
            "s",
            "Time since the process began. A line that falls to 0 is a restart.",
            &[(
                "{{instance}}",
                "time() - max by (instance) (process_start_time_seconds)",
            )],
        ),
        Panel::new(
            Look::Table,
            "Builds",
            "none",
            "Which version of the library runs where, with which features.",
            &[(
                "{{instance}}",
                "max by (job, instance, version, features) (tta_build_info)",
            )],
        ),
    ]
}

fn sampling() -> Vec<Panel> {
    vec![
        lines(
            "Sampling decisions",
            "cps",
            "Traces per second by what was decided when they began, and by whom.",
            &[(
                "{{decision}} by {{by}}",
                "sum by (decision, by) \
                 (rate(telemetry_sampling_decisions_total[$__rate_interval]))",
            )],
        ),
        lines(
            "Traces held to see how they end",
            "cps",
            "What became of traces that were held, per second.",
            &[(
                "{{outcome}}",
                "sum by (outcome) (rate(telemetry_tail_traces_total[$__rate_interval]))",
            )],
        ),
        lines(
            "Held traces",
            "short",
            "Undecided traces of which spans are held.",
            &[(
                "{{instance}}",
                "sum by (instance) (telemetry_tail_held_traces)",
            )],
        ),
        lines(
            "Bytes of held traces",
            "bytes",
            "About how many bytes the spans of undecided traces take.",
            &[(
                "{{instance}}",
                "sum by (instance) (telemetry_tail_held_bytes)",
            )],
        ),
        lines(
            "Values redacted",
            "cps",
            "Values per second that were taken out before they left the process, by rule.",
            &[(
                "{{signal}} {{rule}}",
                "sum by (signal, rule) \
                 (rate(telemetry_values_redacted_total[$__rate_interval]))",
            )],
        ),
    ]
}

const UP: [State; 2] = [
    State {
        value: 0,
        text: "down",
        colour: "red",
    },
    State {
        value: 1,
        text: "up",
        colour: "green",
    },
];
