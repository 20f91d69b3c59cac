//! Which ways out the signals have, and how their records wait.

use std::time::Duration;

use super::ObservabilityConfig;
use crate::settings::{Exporter, OtlpOptions};

impl ObservabilityConfig {
    /// Where traces go; nowhere if the list is empty.
    ///
    /// # Examples
    ///
    /// To a backend, and to the terminal as well:
    ///
    /// ```
    /// use tta_telemetry::{Exporter, ObservabilityConfig};
    ///
    /// let config = ObservabilityConfig::new("my-app")
    ///     .with_otlp_endpoint("http://localhost:4317")
    ///     .with_traces_exporters([Exporter::Otlp, Exporter::Console]);
    /// # drop(config);
    /// ```
    pub fn with_traces_exporters(mut self, list: impl IntoIterator<Item = Exporter>) -> Self {
        self.code.otlp.traces.exporters = Some(list.into_iter().collect());
        self
    }

    /// Where metrics go; nowhere if the list is empty. To Prometheus alone by default.
    pub fn with_metrics_exporters(mut self, list: impl IntoIterator<Item = Exporter>) -> Self {
        self.code.otlp.metrics.exporters = Some(list.into_iter().collect());
        self
    }

    /// Where log records go beside the lines on standard output; nowhere if the list is empty.
    pub fn with_logs_exporters(mut self, list: impl IntoIterator<Item = Exporter>) -> Self {
        self.code.otlp.logs.exporters = Some(list.into_iter().collect());
        self
    }

    /// How traces go over OTLP, where it differs from what holds for all signals.
    pub fn with_otlp_traces(mut self, options: OtlpOptions) -> Self {
        self.code.otlp.traces.otlp = options;
        self
    }

    /// How metrics go over OTLP, where it differs from what holds for all signals.
    pub fn with_otlp_metrics(mut self, options: OtlpOptions) -> Self {
        self.code.otlp.metrics.otlp = options;
        self
    }

    /// How log records go over OTLP, where it differs from what holds for all signals.
    pub fn with_otlp_logs(mut self, options: OtlpOptions) -> Self {
        self.code.otlp.logs.otlp = options;
        self
    }

    /// Whether an endpoint that is given without a scheme is spoken to without TLS.
    pub fn with_otlp_insecure(mut self, insecure: bool) -> Self {
        self.code.otlp.general.insecure = Some(insecure);
        self
    }

    /// How long one attempt to export spans may take at most.
    pub fn with_batch_timeout(mut self, timeout: Duration) -> Self {
        self.code.batch_timeout = Some(timeout);
        self
    }

    /// How long a log record waits for others before it is exported.
    pub fn with_log_batch_delay(mut self, delay: Duration) -> Self {
        self.code.log_batch_delay = Some(delay);
        self
    }

    /// How long one attempt to export log records may take at most.
    pub fn with_log_batch_timeout(mut self, timeout: Duration) -> Self {
        self.code.log_batch_timeout = Some(timeout);
        self
    }

    /// How many log records go out together at most.
    pub fn with_log_batch_size(mut self, records: usize) -> Self {
        self.code.log_batch_size = Some(records);
        self
    }

    /// How many log records wait at most.
    pub fn with_log_queue_size(mut self, records: usize) -> Self {
        self.code.log_queue_size = Some(records);
        self
    }

    /// How long one attempt to export metrics may take at most.
    pub fn with_metric_timeout(mut self, timeout: Duration) -> Self {
        self.code.metric_timeout = Some(timeout);
        self
    }
}
