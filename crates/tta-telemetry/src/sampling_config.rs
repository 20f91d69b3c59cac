//! The part of the configuration that says which traces are recorded.

use std::time::Duration;

use crate::config::ObservabilityConfig;
use crate::settings::Sampler;

impl ObservabilityConfig {
    /// Which traces are recorded.
    pub fn with_sampler(mut self, sampler: Sampler) -> Self {
        self.code.sampling.sampler = Some(sampler);
        self
    }

    /// Records this share of the traces that have no parent to decide: 0 none, 1 all.
    pub fn with_sample_ratio(self, ratio: f64) -> Self {
        self.with_sampler(Sampler::ParentBasedRatio(ratio))
    }

    /// Which traces that begin with the workflow of this name are recorded, whatever holds for
    /// others. Where a parent decides, it decides for this workflow too.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_telemetry::{ObservabilityConfig, Sampler};
    ///
    /// let config = ObservabilityConfig::new("my-app")
    ///     .with_sample_ratio(0.05)
    ///     .with_workflow_sampler("checkout", Sampler::AlwaysOn)
    ///     .with_workflow_sampler("health_check", Sampler::AlwaysOff);
    /// ```
    pub fn with_workflow_sampler(mut self, workflow: impl Into<String>, sampler: Sampler) -> Self {
        let workflow = workflow.into();
        let samplers = &mut self.code.sampling.workflows;
        samplers.retain(|(name, _)| *name != workflow);
        samplers.push((workflow, sampler));
        self
    }

    /// Whether traces that are not sampled are kept all the same when they had an error or were
    /// slow. Every step is recorded then, and costs what a sampled one costs.
    pub fn with_tail_keep(mut self, enabled: bool) -> Self {
        self.code.sampling.tail_keep = Some(enabled);
        self
    }

    /// How long a trace takes at least to be kept for being slow; five seconds by default.
    pub fn with_tail_slow(mut self, threshold: Duration) -> Self {
        self.code.sampling.tail_slow = Some(threshold);
        self
    }

    /// How many undecided traces are held at most; the oldest beyond it are dropped and counted.
    pub fn with_tail_traces(mut self, traces: usize) -> Self {
        self.code.sampling.tail_traces = Some(traces);
        self
    }

    /// How many bytes of undecided traces are held at most.
    pub fn with_tail_bytes(mut self, bytes: usize) -> Self {
        self.code.sampling.tail_bytes = Some(bytes);
        self
    }
}
