//! What the exposition measures of itself.

use tta_core::{LogSpec, MetricSpec, Unit};

/// The process that is measured.
pub(crate) const TARGET_INFO: MetricSpec = MetricSpec::gauge(
    "target_info",
    Unit::One,
    "The process that is measured; always 1, with each resource attribute as a label.",
);

/// The build that is running.
pub(crate) const BUILD_INFO: MetricSpec = MetricSpec::gauge(
    "tta_build_info",
    Unit::One,
    "The build that is running; always 1.",
)
.labels(&["version", "features"]);

/// Families of the user's that are not on the page.
pub(crate) const USER_METRICS_SKIPPED: MetricSpec = MetricSpec::counter(
    "telemetry_user_metrics_skipped_total",
    Unit::One,
    "Families left out of a scrape because their name is taken, they are invalid, or the code \
     that makes them panicked.",
)
.labels(&["reason"]);

/// Callbacks of metrics that panicked.
pub(crate) const CALLBACK_FAILURES: MetricSpec = MetricSpec::counter(
    "telemetry_metric_callback_failures_total",
    Unit::One,
    "Readings left out because the metric's callback panicked.",
);

/// A family is not on the page.
pub(crate) const METRIC_SKIPPED: LogSpec = LogSpec {
    name: "metric_skipped",
    help: "A family of metrics is left out of scrapes. Said once for each family and reason, at \
           warn.",
    fields: &["metric", "reason"],
};
