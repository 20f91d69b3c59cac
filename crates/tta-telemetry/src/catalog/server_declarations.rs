//! What the metrics server measures of its own work.

use tta_core::{MetricSpec, Unit};

/// Requests that have been answered.
pub(crate) const SERVER_REQUESTS: MetricSpec = MetricSpec::counter(
    "metrics_server_requests_total",
    Unit::One,
    "Requests to the metrics server that have been answered; a scrape is in the next one.",
)
.labels(&["endpoint", "status", "format"]);

/// How long answers took.
pub(crate) const SERVER_DURATION: MetricSpec = MetricSpec::histogram(
    "metrics_server_request_duration_seconds",
    Unit::Seconds,
    "Time from a whole request to its answer: waiting for its turn, and rendering.",
)
.labels(&["endpoint"]);

/// What was sent.
pub(crate) const SERVER_BYTES: MetricSpec = MetricSpec::counter(
    "metrics_server_response_bytes_total",
    Unit::Bytes,
    "Bytes of the bodies of answers, after compression.",
)
.labels(&["endpoint"]);

/// Connections that are open.
pub(crate) const SERVER_CONNECTIONS: MetricSpec = MetricSpec::gauge(
    "metrics_server_connections_open",
    Unit::One,
    "Connections to the metrics server that are open, without that of the scrape which reads this.",
);

/// Connections that were turned away.
pub(crate) const SERVER_REJECTIONS: MetricSpec = MetricSpec::counter(
    "metrics_server_connections_rejected_total",
    Unit::One,
    "Connections that the metrics server closed before the client wished it, or could not accept.",
)
.labels(&["reason"]);
