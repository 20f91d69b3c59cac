//! The settings as data, from which their reference is generated.

use super::kubernetes_spec as kubernetes;
use super::limits_spec as limits;
use super::otlp_spec::{LOGS, METRICS, TRACES};
use super::sampling_spec::{TAIL_BYTES, TAIL_KEEP, TAIL_SLOW, TAIL_TRACES, WORKFLOW_SAMPLERS};
use super::server_spec::{CERTIFICATE, CLIENT_CA, KEY, PASSWORD, PASSWORD_FILE, USERNAME};

/// One setting: its variables, default and meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettingSpec {
    /// The variables that set it; the first that is set and can be parsed wins.
    pub variables: &'static [&'static str],
    /// What holds when nothing is set, as text.
    pub default: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
    /// The builder method that sets it from code, if there is one.
    pub method: Option<&'static str>,
    /// Whether a variable wins over code, as OpenTelemetry demands of those that switch off.
    pub environment_wins: bool,
    /// Whether its value is shown as `***`.
    pub secret: bool,
}

impl SettingSpec {
    pub(super) const fn new(
        variables: &'static [&'static str],
        default: &'static str,
        method: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            variables,
            default,
            help,
            method: if method.is_empty() {
                None
            } else {
                Some(method)
            },
            environment_wins: false,
            secret: false,
        }
    }

    const fn environment_wins(mut self) -> Self {
        self.environment_wins = true;
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// The setting's name: its first variable, or the builder method where it has none.
    pub fn name(&self) -> &'static str {
        self.variables
            .first()
            .copied()
            .or(self.method)
            .unwrap_or_default()
    }
}

/// Every setting, in the order in which the status shows them.
pub const SETTINGS: &[&SettingSpec] = &[
    &SERVICE_NAME,
    &RESOURCE_ATTRIBUTES,
    &SERVICE_VERSION,
    &ENVIRONMENT,
    &kubernetes::CLUSTER,
    &kubernetes::NAMESPACE,
    &kubernetes::NODE,
    &kubernetes::POD,
    &kubernetes::POD_UID,
    &kubernetes::CONTAINER,
    &kubernetes::DEPLOYMENT,
    &SDK_DISABLED,
    &TRACES.exporter,
    &TRACES.endpoint,
    &TRACES.protocol,
    &TRACES.headers,
    &TRACES.timeout,
    &TRACES.compression,
    &TRACES.insecure,
    &TRACES.certificate,
    &TRACES.client_key,
    &TRACES.client_certificate,
    &METRICS.exporter,
    &METRICS.endpoint,
    &METRICS.protocol,
    &METRICS.headers,
    &METRICS.timeout,
    &METRICS.compression,
    &METRICS.insecure,
    &METRICS.certificate,
    &METRICS.client_key,
    &METRICS.client_certificate,
    &LOGS.exporter,
    &LOGS.endpoint,
    &LOGS.protocol,
    &LOGS.headers,
    &LOGS.timeout,
    &LOGS.compression,
    &LOGS.insecure,
    &LOGS.certificate,
    &LOGS.client_key,
    &LOGS.client_certificate,
    &SAMPLER,
    &SAMPLER_ARG,
    &limits::SPAN_ATTRIBUTES,
    &limits::SPAN_ATTRIBUTE_BYTES,
    &limits::SPAN_EVENTS,
    &limits::SPAN_LINKS,
    &limits::EVENT_ATTRIBUTES,
    &limits::LINK_ATTRIBUTES,
    &limits::LOG_ATTRIBUTES,
    &limits::LOG_ATTRIBUTE_BYTES,
    &limits::CONTENT_CAPTURE,
    &limits::PROPAGATORS,
    &WORKFLOW_SAMPLERS,
    &TAIL_KEEP,
    &TAIL_SLOW,
    &TAIL_TRACES,
    &TAIL_BYTES,
    &BATCH_DELAY,
    &BATCH_TIMEOUT,
    &BATCH_QUEUE,
    &BATCH_SIZE,
    &QUEUE_BYTES,
    &LOG_BATCH_DELAY,
    &LOG_BATCH_TIMEOUT,
    &LOG_BATCH_QUEUE,
    &LOG_BATCH_SIZE,
    &TEMPORALITY,
    &METRIC_INTERVAL,
    &METRIC_TIMEOUT,
    &limits::EXEMPLAR_FILTER,
    &PROMETHEUS_ENABLED,
    &PROMETHEUS_HOST,
    &PROMETHEUS_PORT,
    &USERNAME,
    &PASSWORD_FILE,
    &CERTIFICATE,
    &KEY,
    &CLIENT_CA,
    &PASSWORD,
    &METRIC_ALIASES,
    &LABEL_LIMIT,
    &LOGS_ENABLED,
    &LOG_LEVEL,
    &LOG_FORMAT,
    &SHUTDOWN_TIMEOUT,
];

pub(crate) const SERVICE_NAME: SettingSpec = SettingSpec::new(
    &["OTEL_SERVICE_NAME"],
    "the name given to `new` or `from_env`, else unknown_service:PROGRAM",
    "with_service_name",
    "The service's name in every backend. `service.name` among the resource attributes does too.",
);
pub(crate) const RESOURCE_ATTRIBUTES: SettingSpec = SettingSpec::new(
    &["OTEL_RESOURCE_ATTRIBUTES"],
    "none",
    "with_resource_attribute",
    "Attributes of the process, over those that are found out: `key=value` pairs, comma-separated, \
     percent-encoded.",
);
pub(crate) const SERVICE_VERSION: SettingSpec = SettingSpec::new(
    &[],
    "none",
    "with_service_version",
    "The service's version; sent as `service.version`.",
);
pub(crate) const ENVIRONMENT: SettingSpec = SettingSpec::new(
    &["ENVIRONMENT"],
    "development",
    "with_environment",
    "development, staging or production; sent as `deployment.environment.name`. Where it is said \
     to be development, traces go to the console if standard output is a terminal and neither an \
     endpoint nor an exporter is set for them.",
);
pub(crate) const SDK_DISABLED: SettingSpec = SettingSpec::new(
    &["OTEL_SDK_DISABLED"],
    "false",
    "with_enabled",
    "Switches all telemetry off when true; the core's own statistics stay.",
)
.environment_wins();
pub(crate) const SAMPLER: SettingSpec = SettingSpec::new(
    &["OTEL_TRACES_SAMPLER"],
    "parentbased_always_on",
    "with_sampler",
    "Which traces are recorded: always_on, always_off, traceidratio, ratelimited, or as the parent \
     decided and these for traces without one: parentbased_always_on, parentbased_always_off, \
     parentbased_traceidratio, parentbased_ratelimited.",
);
pub(crate) const SAMPLER_ARG: SettingSpec = SettingSpec::new(
    &["OTEL_TRACES_SAMPLER_ARG"],
    "1, and 100 where a rate limits",
    "with_sample_ratio",
    "The share of traces that a ratio sampler records, 0 to 1, or how many traces a second a \
     rate-limited one records.",
);
pub(crate) const BATCH_DELAY: SettingSpec = SettingSpec::new(
    &["OTEL_BSP_SCHEDULE_DELAY"],
    "5000; 200 where spans go to the console",
    "with_batch_delay",
    "How long a span waits for others before it is exported, in milliseconds.",
);
pub(crate) const BATCH_TIMEOUT: SettingSpec = SettingSpec::new(
    &["OTEL_BSP_EXPORT_TIMEOUT"],
    "30000",
    "with_batch_timeout",
    "How long one attempt to export may take at most, in milliseconds; the shorter of this and \
     the exporter's timeout holds.",
);
pub(crate) const BATCH_QUEUE: SettingSpec = SettingSpec::new(
    &["OTEL_BSP_MAX_QUEUE_SIZE"],
    "2048",
    "with_queue_size",
    "How many spans wait at most; the newest beyond it are dropped and counted.",
);
pub(crate) const BATCH_SIZE: SettingSpec = SettingSpec::new(
    &["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"],
    "512",
    "with_batch_size",
    "How many spans go out together at most; not more than the queue holds.",
);
pub(crate) const QUEUE_BYTES: SettingSpec = SettingSpec::new(
    &[],
    "8388608",
    "with_queue_bytes",
    "How many bytes of each signal's records wait at most.",
);
pub(crate) const LOG_BATCH_DELAY: SettingSpec = SettingSpec::new(
    &["OTEL_BLRP_SCHEDULE_DELAY"],
    "1000",
    "with_log_batch_delay",
    "How long a log record waits for others before it is exported, in milliseconds.",
);
pub(crate) const LOG_BATCH_TIMEOUT: SettingSpec = SettingSpec::new(
    &["OTEL_BLRP_EXPORT_TIMEOUT"],
    "30000",
    "with_log_batch_timeout",
    "How long one attempt to export log records may take at most, in milliseconds; the shorter of \
     this and the exporter's timeout holds.",
);
pub(crate) const LOG_BATCH_QUEUE: SettingSpec = SettingSpec::new(
    &["OTEL_BLRP_MAX_QUEUE_SIZE"],
    "2048",
    "with_log_queue_size",
    "How many log records wait at most; the newest beyond it are dropped and counted.",
);
pub(crate) const LOG_BATCH_SIZE: SettingSpec = SettingSpec::new(
    &["OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"],
    "512",
    "with_log_batch_size",
    "How many log records go out together at most; not more than the queue holds.",
);
pub(crate) const TEMPORALITY: SettingSpec = SettingSpec::new(
    &["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"],
    "cumulative",
    "with_metric_temporality",
    "Whether sums over OTLP count since the start or since the last export: cumulative, delta or \
     lowmemory.",
);
pub(crate) const METRIC_INTERVAL: SettingSpec = SettingSpec::new(
    &["OTEL_METRIC_EXPORT_INTERVAL"],
    "60000; 10000 where metrics go to the console",
    "with_metric_interval",
    "How often metrics go out over OTLP or to the console, in milliseconds.",
);
pub(crate) const METRIC_TIMEOUT: SettingSpec = SettingSpec::new(
    &["OTEL_METRIC_EXPORT_TIMEOUT"],
    "30000",
    "with_metric_timeout",
    "How long one attempt to export metrics may take at most, in milliseconds; the shorter of this \
     and the exporter's timeout holds.",
);
pub(crate) const PROMETHEUS_ENABLED: SettingSpec = SettingSpec::new(
    &[],
    "true",
    "with_prometheus",
    "Whether /metrics and /health are served.",
);
pub(crate) const PROMETHEUS_HOST: SettingSpec = SettingSpec::new(
    &["OTEL_EXPORTER_PROMETHEUS_HOST", "PROMETHEUS_HOST"],
    "localhost",
    "with_prometheus_host",
    "The address on which /metrics and /health are served.",
);
pub(crate) const PROMETHEUS_PORT: SettingSpec = SettingSpec::new(
    &["OTEL_EXPORTER_PROMETHEUS_PORT", "PROMETHEUS_PORT"],
    "9464",
    "with_prometheus_port",
    "Their port; 0 takes any that is free.",
);
pub(crate) const METRIC_ALIASES: SettingSpec = SettingSpec::new(
    &["TTA_METRIC_ALIASES"],
    "false",
    "with_metric_aliases",
    "Whether metrics are shown under their other names too.",
);
pub(crate) const LABEL_LIMIT: SettingSpec = SettingSpec::new(
    &["TTA_LABEL_LIMIT"],
    "2000",
    "with_label_limit",
    "How many label sets a metric may have; further ones share one visible series.",
);
pub(crate) const LOGS_ENABLED: SettingSpec =
    SettingSpec::new(&[], "true", "with_logs", "Whether log lines are written.");
pub(crate) const LOG_LEVEL: SettingSpec = SettingSpec::new(
    &["LOG_LEVEL", "RUST_LOG", "OTEL_LOG_LEVEL"],
    "info",
    "with_log_filter",
    "What is logged: trace, debug, info, warn, error or off, also by module: \
     `info,my_service=debug`. A directive that is none is ignored by itself.",
);
pub(crate) const LOG_FORMAT: SettingSpec = SettingSpec::new(
    &["LOG_FORMAT"],
    "text on a terminal, else json",
    "with_log_format",
    "json or text.",
);
pub(crate) const SHUTDOWN_TIMEOUT: SettingSpec = SettingSpec::new(
    &["TTA_SHUTDOWN_TIMEOUT"],
    "2000",
    "with_shutdown_timeout",
    "How long a shutdown may take, in milliseconds.",
);
