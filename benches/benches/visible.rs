//! What it adds to a step that OpenTelemetry and `tracing` see its span as the current one: the recorder
//! of tta-telemetry, with that and without it, sampled and not.

use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::trace::noop::NoopSpan;
use tta_benches::{Application, Group, now};
use tta_core::{Flow, Operand, Recorder, WorkflowContext};

use crate::peers::with_attributes;

mod peers;

fn main() {
    let mut group = Group::new("visible");
    let application = Application::start();
    for (name, sampled, visible) in [
        ("sampled", true, false),
        ("sampled, visible", true, true),
        ("unsampled", false, false),
        ("unsampled, visible", false, true),
    ] {
        let recorder = application.recorder(sampled, visible);
        let (one, eleven) = (with_attributes(), eleven());
        group.bench_steps(name, move |b, steps| {
            if steps == 1 {
                b.iter(|| run(&one, &recorder));
            } else {
                b.iter(|| run(&eleven, &recorder));
            }
        });
    }
    group.bench("OpenTelemetry, a span made current", |b| {
        b.iter(|| drop(Context::current_with_span(NoopSpan::DEFAULT).attach()));
    });
    group.finish();
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
