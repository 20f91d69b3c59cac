//! What is kept of what is recorded.

use tta_core::{ContentCapture, ExemplarFilter};

use super::ObservabilityConfig;
use crate::settings::{LogLimits, SpanLimits};

impl ObservabilityConfig {
    /// How much of a span is kept.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_telemetry::{ObservabilityConfig, SpanLimits};
    ///
    /// let mut limits = SpanLimits::default();
    /// limits.events = 16;
    /// let config = ObservabilityConfig::new("my-app").with_span_limits(limits);
    /// # drop(config);
    /// ```
    pub fn with_span_limits(mut self, limits: SpanLimits) -> Self {
        self.code.span_limits = Some(limits);
        self
    }

    /// How much of a log record is kept over OTLP.
    pub fn with_log_limits(mut self, limits: LogLimits) -> Self {
        self.code.log_limits = Some(limits);
        self
    }

    /// Which measurements may become examples.
    pub fn with_exemplar_filter(mut self, filter: ExemplarFilter) -> Self {
        self.code.exemplar_filter = Some(filter);
        self
    }

    /// Whether what is said to models and by them is recorded where steps offer it; not by default.
    pub fn with_content_capture(mut self, capture: ContentCapture) -> Self {
        self.code.content_capture = Some(capture);
        self
    }
}
