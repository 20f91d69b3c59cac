//! The memory of workflows while they wait: the more of them, and the more each has recorded.

use std::sync::Arc;

use fastrace::future::FutureExt as _;
use fastrace::prelude::SpanContext;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::Sampler;
use tracing::Instrument as _;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;
use tta_benches::{Curve, Options};
use tta_core::{Error, Flow, Operand, Recorder, WorkflowContext};

use crate::peers::{
    collected, fastrace_catches_up, fastrace_to_nowhere, span_provider, traced, with_attributes,
};
use crate::workflows::{self, begun, instrumented, waiting};
use crate::{held, sampled, sizes};

/// Workflows of three steps, each of which waits in its second one.
pub(crate) fn of_workflows(options: &Options) -> Curve {
    let mut curve = Curve::new(
        "memory-workflows",
        "Memory of workflows in flight",
        "workflows",
        "bytes a workflow",
    );
    fastrace_to_nowhere();
    let (flow, recorder) = (workflows::flow(), sampled());
    for size in sizes(&[1, 10, 100, 1_000, 10_000], options) {
        let x = size as f64;
        let bare = || async { waiting(1).await + 1 };
        curve.point("bare", x, each(size, bare));
        let statistics = || workflows::run(&flow, None);
        curve.point("tta, statistics", x, each(size, statistics));
        let with_spans = || workflows::run(&flow, Some(&recorder));
        curve.point("tta, sampled", x, each(size, with_spans));
        fastrace_catches_up();
        curve.point("fastrace", x, each(size, workflows::collected));
        let _guard = subscribed();
        curve.point("tracing-opentelemetry", x, each(size, instrumented));
    }
    curve
}

/// Workflows that wait when they have recorded so many spans with four attributes, their own among
/// them.
pub(crate) fn of_spans(options: &Options) -> Curve {
    let mut curve = Curve::new(
        "memory-spans",
        "Memory of a workflow in flight",
        "spans",
        "bytes a workflow",
    );
    fastrace_to_nowhere();
    let (flow, recorder) = (with_attributes(), sampled());
    for size in sizes(&[1, 2, 4, 8, 16, 32, 64], options) {
        let x = size as f64;
        let statistics = || steps(&flow, None, size);
        curve.point("tta, statistics", x, each(MANY, statistics));
        let with_spans = || steps(&flow, Some(&recorder), size);
        curve.point("tta, sampled", x, each(MANY, with_spans));
        fastrace_catches_up();
        curve.point("fastrace", x, each(MANY, || spans_of_fastrace(size)));
        let _guard = subscribed();
        let spans = || spans_of_tracing(size);
        curve.point("tracing-opentelemetry", x, each(MANY, spans));
    }
    curve
}

/// The bytes of each of so many that wait. What is made once is made by one before.
fn each<F: Future<Output = u64>>(size: usize, make: impl Fn() -> F) -> f64 {
    let _first = begun(1, &make);
    let (_workflows, bytes) = held(|| begun(size, &make));
    bytes / size as f64
}

async fn steps<P: Operand<Input = u64, Output = u64>>(
    flow: &Flow<P>,
    recorder: Option<&Arc<dyn Recorder>>,
    size: usize,
) -> u64 {
    let mut builder = WorkflowContext::builder();
    if let Some(recorder) = recorder {
        builder = builder.recorder(Arc::clone(recorder));
    }
    let ctx = builder.build();
    let steps = async {
        let mut n = 1;
        for _ in 1..size {
            n = flow.execute(n, &ctx).await?;
        }
        Ok::<_, Error>(waiting(n).await)
    };
    ctx.workflow("workflow", steps).await.unwrap_or_default()
}

fn spans_of_fastrace(size: usize) -> impl Future<Output = u64> {
    let root = fastrace::Span::root("workflow", SpanContext::random());
    async move {
        let mut n = 1;
        for _ in 1..size {
            n = collected(n).await;
        }
        waiting(n).await
    }
    .in_span(root)
}

fn spans_of_tracing(size: usize) -> impl Future<Output = u64> {
    async move {
        let mut n = 1;
        for _ in 1..size {
            n = traced(n).await;
        }
        waiting(n).await
    }
    .instrument(tracing::info_span!("workflow"))
}

fn subscribed() -> DefaultGuard {
    let provider = span_provider(Sampler::AlwaysOn);
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    tracing::subscriber::set_default(tracing_subscriber::registry().with(layer))
}

const MANY: usize = 200;
