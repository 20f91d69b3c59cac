//! What executions are measured by.

use tta_core::NanoClock;

use super::ObservabilityConfig;

impl ObservabilityConfig {
    /// Measures executions by this clock, instead of by the system's: one that never goes back, and
    /// that all threads share. Contexts that are built with a clock of their own keep it.
    pub fn with_span_clock(mut self, clock: NanoClock) -> Self {
        self.span_clock = Some(clock);
        self
    }

    /// Measures executions by the processor's own counter, which costs less than half of what the
    /// system's clock does. Where it does not run evenly it is the system's clock after all. The
    /// first call in a process compares the two, which takes up to 0.2 s.
    #[cfg(feature = "tsc")]
    pub fn with_tsc_clock(self) -> Self {
        self.with_span_clock(crate::tsc::calibrated())
    }
}
