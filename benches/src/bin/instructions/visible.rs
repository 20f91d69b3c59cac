//! Steps whose spans OpenTelemetry and `tracing` see as the current one.

use std::hint::black_box;
use std::sync::Arc;

use tta_core::{ActiveSpan, Parent, Recorder, TraceId, TraceNotes, uninstall_recorder};
use tta_telemetry::opentelemetry_sdk::trace::SpanData;
use tta_telemetry::{Exported, Exporting, ObservabilityConfig, SpanSink};

use crate::steps;

/// A step of a trace that is not sampled, below a workflow that other libraries are shown.
pub(crate) fn unsampled(rounds: usize, operations: usize) {
    measure(rounds, operations, false);
}

/// A step of a sampled trace with four attributes, which other libraries are shown.
pub(crate) fn sampled(rounds: usize, operations: usize) {
    measure(rounds, operations, true);
}

fn measure(rounds: usize, operations: usize, sampled: bool) {
    let telemetry = ObservabilityConfig::new("instructions")
        .with_span_sink(Arc::new(Nowhere))
        .with_prometheus(false)
        .with_logs(false)
        .init();
    let Some(recorder) = uninstall_recorder() else {
        unreachable!("telemetry that is initialised has a recorder");
    };
    let seen: Arc<dyn Recorder> = Arc::new(Seen { recorder, sampled });
    steps::one_after_the_other(rounds, operations, &seen);
    drop(telemetry);
}

/// The recorder of an application as far as it shows spans; what it takes is dropped.
struct Seen {
    recorder: Arc<dyn Recorder>,
    sampled: bool,
}

impl Recorder for Seen {
    fn sample(&self, _: TraceId, _: Option<&Parent>) -> bool {
        self.sampled
    }

    fn record(&self, trace: TraceNotes) {
        drop(black_box(trace));
    }

    fn wants_scope(&self) -> bool {
        self.recorder.wants_scope()
    }

    fn scope(&self, span: &ActiveSpan<'_>, poll: &mut dyn FnMut()) {
        self.recorder.scope(span, poll);
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
