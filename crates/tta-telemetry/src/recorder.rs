//! What the core talks to.

use tta_core::{ActiveSpan, Level, LogRecord, NanoClock, Parent, Recorder, TraceId, TraceNotes};

/// Records into the pipeline of one initialisation.
#[derive(Debug)]
pub(crate) struct TelemetryRecorder {
    #[cfg(feature = "otlp")]
    pub(crate) traces: Option<std::sync::Arc<crate::traces::Traces>>,
    pub(crate) logs: bool,
    pub(crate) clock: Option<NanoClock>,
}

impl Recorder for TelemetryRecorder {
    #[cfg(feature = "otlp")]
    fn ambient_parent(&self) -> Option<Parent> {
        crate::traces::ambient_parent()
    }

    #[cfg(feature = "otlp")]
    fn sample(&self, trace_id: TraceId, parent: Option<&Parent>) -> bool {
        self.traces.as_ref().is_some_and(|traces| {
            traces.sample(trace_id, parent) && !crate::traces::is_suppressed()
        })
    }

    #[cfg(not(feature = "otlp"))]
    fn sample(&self, _trace_id: TraceId, _parent: Option<&Parent>) -> bool {
        false
    }

    #[cfg(feature = "otlp")]
    fn sample_workflow(
        &self,
        workflow: &str,
        trace_id: TraceId,
        parent: Option<&Parent>,
    ) -> Option<bool> {
        self.traces
            .as_ref()?
            .sample_workflow(workflow, trace_id, parent)
    }

    #[cfg(feature = "otlp")]
    fn holds_unsampled(&self) -> bool {
        self.traces
            .as_ref()
            .is_some_and(|traces| traces.holds_unsampled() && !crate::traces::is_suppressed())
    }

    #[cfg(feature = "otlp")]
    fn record(&self, trace: TraceNotes) {
        if let Some(traces) = &self.traces {
            traces.record(trace);
        }
    }

    #[cfg(not(feature = "otlp"))]
    fn record(&self, trace: TraceNotes) {
        drop(trace);
    }

    fn span_clock(&self) -> Option<NanoClock> {
        self.clock
    }

    fn log_level(&self) -> Option<Level> {
        #[cfg(feature = "logs")]
        if self.logs {
            return crate::logs::enabled_level();
        }
        None
    }

    fn log(&self, record: &LogRecord<'_>) {
        if self.logs {
            crate::report::log(record);
        }
    }

    #[cfg(feature = "otlp")]
    fn wants_scope(&self) -> bool {
        self.traces.is_some()
    }

    #[cfg(feature = "otlp")]
    fn scope(&self, span: &ActiveSpan<'_>, poll: &mut dyn FnMut()) {
        crate::traces::scope(span, poll);
    }

    #[cfg(not(feature = "otlp"))]
    fn scope(&self, _span: &ActiveSpan<'_>, poll: &mut dyn FnMut()) {
        poll();
    }
}
