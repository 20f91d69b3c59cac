//! What the pipeline says about itself.

use tta_core::{LogSpec, MetricSpec, Unit};

/// Records that were made.
pub(crate) const RECORDS_CREATED: MetricSpec = MetricSpec::counter(
    "telemetry_records_created_total",
    Unit::One,
    "Telemetry records made; always the sum of those delivered, dropped, queued and in flight.",
)
.labels(&["signal"]);

/// Records that a backend accepted.
pub(crate) const RECORDS_DELIVERED: MetricSpec = MetricSpec::counter(
    "telemetry_records_delivered_total",
    Unit::One,
    "Telemetry records that a backend accepted.",
)
.labels(&["signal"]);

/// Records that were lost.
pub(crate) const RECORDS_DROPPED: MetricSpec = MetricSpec::counter(
    "telemetry_records_dropped_total",
    Unit::One,
    "Telemetry records that were lost, by reason.",
)
.labels(&["signal", "reason"]);

/// Records that wait.
pub(crate) const QUEUE_RECORDS: MetricSpec = MetricSpec::gauge(
    "telemetry_queue_records",
    Unit::One,
    "Telemetry records that wait to be exported or are on their way.",
)
.labels(&["signal"]);

/// How long exports take.
pub(crate) const EXPORT_DURATION: MetricSpec = MetricSpec::histogram(
    "telemetry_export_duration_seconds",
    Unit::Seconds,
    "Time that one attempt to export took, successful or not.",
)
.labels(&["signal", "protocol"]);

/// Whether the last export worked.
pub(crate) const EXPORTER_UP: MetricSpec = MetricSpec::gauge(
    "telemetry_exporter_up",
    Unit::One,
    "1 if the backend took what it was sent last, else 0.",
)
.labels(&["signal", "protocol"]);

/// Values that were taken out.
pub(crate) const VALUES_REDACTED: MetricSpec = MetricSpec::counter(
    "telemetry_values_redacted_total",
    Unit::One,
    "Values taken out before they left the process, by rule; once for each way out, and again each \
     time that metrics are read.",
)
.labels(&["signal", "rule"]);

/// Telemetry got worse.
pub(crate) const TELEMETRY_DEGRADED: LogSpec = LogSpec {
    name: "telemetry_degraded",
    help: "A part of telemetry stopped working; the application is not affected. At warn, once \
           for each change of state.",
    fields: &["part", "reason"],
};

/// Telemetry got better.
pub(crate) const TELEMETRY_RECOVERED: LogSpec = LogSpec {
    name: "telemetry_recovered",
    help: "A part of telemetry works again. At info, once for each change of state.",
    fields: &["part", "dropped"],
};

/// A setting could not be used.
pub(crate) const SETTING_IGNORED: LogSpec = LogSpec {
    name: "setting_ignored",
    help: "A setting cannot be used as it is given. At warn, once for each setting.",
    fields: &["reason"],
};

/// Spans ended after the shutdown.
pub(crate) const LATE_SPANS: LogSpec = LogSpec {
    name: "late_spans",
    help: "Spans ended after the shutdown and are dropped; said once. At info.",
    fields: &[],
};
