//! What it adds to a step that OpenTelemetry and `tracing` see its span as the current one: the recorder
//! of tta-telemetry, with that and without it, sampled and not.

use std::hint::black_box;
use std::sync::Arc;

use opentelemetry_sdk::trace::SpanData;
use tta_benches::{Group, now};
use tta_core::{
    ActiveSpan, Flow, Operand, Parent, Recorder, TraceId, TraceNotes, WorkflowContext,
    uninstall_recorder,
};
use tta_telemetry::{Exported, Exporting, ObservabilityConfig, SpanSink};

use crate::peers::with_attributes;

mod peers;

fn main() {
    let mut group = Group::new("visible");
    let telemetry = ObservabilityConfig::new("bench")
        .with_span_sink(Arc::new(Nowhere))
        .with_prometheus(false)
        .with_logs(false)
        .init();
    let Some(recorder) = uninstall_recorder() else {
        unreachable!("telemetry that is initialised has a recorder");
    };
    for (name, sampled, visible) in [
        ("sampled", true, false),
        ("sampled, visible", true, true),
        ("unsampled", false, false),
        ("unsampled, visible", false, true),
    ] {
        let recorder: Arc<dyn Recorder> = Arc::new(Seen {
            recorder: Arc::clone(&recorder),
            sampled,
            visible,
        });
        let (one, eleven) = (with_attributes(), eleven());
        group.bench_steps(name, move |b, steps| {
            if steps == 1 {
                b.iter(|| run(&one, &recorder));
            } else {
                b.iter(|| run(&eleven, &recorder));
            }
        });
    }
    group.finish();
    drop(telemetry);
}

fn run<P: Operand<Input = u64, Output = u64>>(flow: &Flow<P>, recorder: &Arc<dyn Recorder>) -> u64 {
    let builder = WorkflowContext::builder().recorder(Arc::clone(recorder));
    let ctx = builder.build();
    now(flow.execute(1, &ctx)).unwrap_or_default()
}

fn eleven() -> Flow<impl Operand<Input = u64, Output = u64>> {
    let five = || {
        with_attributes()
            >> with_attributes()
            >> with_attributes()
            >> with_attributes()
            >> with_attributes()
    };
    five() >> five() >> with_attributes()
}

/// The recorder of an application, told what to sample and whether to show it.
struct Seen {
    recorder: Arc<dyn Recorder>,
    sampled: bool,
    visible: bool,
}

impl Recorder for Seen {
    fn sample(&self, _: TraceId, _: Option<&Parent>) -> bool {
        self.sampled
    }

    fn record(&self, trace: TraceNotes) {
        // What becomes of it behind the caller's back is the same in all cases.
        drop(black_box(trace));
    }

    fn wants_scope(&self) -> bool {
        self.visible
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
