//! Recorders whose own work is in no figure.

use std::fmt;
use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};

use tta_core::{ActiveSpan, NanoClock, Parent, Recorder, TraceId, TraceNotes, uninstall_recorder};
use tta_telemetry::opentelemetry_sdk::trace::SpanData;
use tta_telemetry::{Exported, Exporting, ObservabilityConfig, ObservabilityGuard, SpanSink};

/// Samples all traces or none, and drops what it takes: what is measured is the caller's cost, and what
/// becomes of it behind the caller's back is the same in all cases.
#[derive(Default)]
pub struct Discard {
    sampled: bool,
    clock: Option<NanoClock>,
    shown_by: Option<Arc<dyn Recorder>>,
}

impl Discard {
    /// One that does nothing else.
    pub fn recorder(sampled: bool) -> Arc<dyn Recorder> {
        Arc::new(Self {
            sampled,
            ..Self::default()
        })
    }

    /// One by whose clock executions are measured.
    pub fn with_clock(sampled: bool, clock: NanoClock) -> Arc<dyn Recorder> {
        Arc::new(Self {
            sampled,
            clock: Some(clock),
            ..Self::default()
        })
    }
}

impl Recorder for Discard {
    fn sample(&self, _: TraceId, _: Option<&Parent>) -> bool {
        self.sampled
    }

    fn record(&self, trace: TraceNotes) {
        drop(black_box(trace));
    }

    fn span_clock(&self) -> Option<NanoClock> {
        self.clock
    }

    fn wants_scope(&self) -> bool {
        self.shown_by.is_some()
    }

    fn scope(&self, span: &ActiveSpan<'_>, poll: &mut dyn FnMut()) {
        match &self.shown_by {
            Some(recorder) => recorder.scope(span, poll),
            None => poll(),
        }
    }
}

impl fmt::Debug for Discard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discard")
            .field("sampled", &self.sampled)
            .finish_non_exhaustive()
    }
}

/// Samples all traces and keeps them.
#[derive(Debug, Default)]
pub struct Keep(Mutex<Vec<TraceNotes>>);

impl Keep {
    /// What has been kept so far, which is kept no longer.
    pub fn take(&self) -> Vec<TraceNotes> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Recorder for Keep {
    fn sample(&self, _: TraceId, _: Option<&Parent>) -> bool {
        true
    }

    fn record(&self, trace: TraceNotes) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(trace);
    }
}

/// The recorder of an application as far as it shows spans to other libraries; what it takes is dropped.
pub struct Application {
    /// Ends with this.
    _telemetry: ObservabilityGuard,
    recorder: Arc<dyn Recorder>,
}

impl Application {
    /// With telemetry that exports to nowhere.
    ///
    /// # Panics
    ///
    /// When telemetry that has been initialised has no recorder.
    pub fn start() -> Self {
        let telemetry = ObservabilityConfig::new("bench")
            .with_span_sink(Arc::new(Nowhere))
            .with_prometheus(false)
            .with_logs(false)
            .init();
        let Some(recorder) = uninstall_recorder() else {
            unreachable!("telemetry that is initialised has a recorder");
        };
        Self {
            _telemetry: telemetry,
            recorder,
        }
    }

    /// A recorder that samples all traces or none, and shows spans or not.
    pub fn recorder(&self, sampled: bool, visible: bool) -> Arc<dyn Recorder> {
        Arc::new(Discard {
            sampled,
            shown_by: visible.then(|| Arc::clone(&self.recorder)),
            ..Discard::default()
        })
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application").finish_non_exhaustive()
    }
}

/// A sink that takes everything and drops it.
struct Nowhere;

impl SpanSink for Nowhere {
    fn protocol(&self) -> &'static str {
        "nowhere"
    }

    fn export<'a>(&'a self, batch: &'a [SpanData]) -> Exporting<'a> {
        black_box(batch);
        Box::pin(async { Ok(Exported::default()) })
    }
}
