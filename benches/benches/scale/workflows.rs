//! Workflows in flight at once: all begin and wait, then all go on and end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use fastrace::future::FutureExt as _;
use fastrace::prelude::SpanContext;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::Sampler;
use tracing::Instrument as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tta_benches::{Bencher, Curve, Group, Options};
use tta_core::{Flow, Operand, Recorder, WorkflowContext, step};

use crate::peers::{
    fastrace_catches_up, fastrace_to_nowhere, span_provider, traced, with_attributes,
};
use crate::{at, held, sampled, sizes};

pub(crate) fn curve(options: &Options) -> Curve {
    let mut curve = Curve::new(
        "workflows",
        "Workflows in flight at once",
        "workflows",
        "ns a workflow",
    );
    fastrace_to_nowhere();
    for size in sizes(&[1, 10, 100, 1_000, 10_000, 100_000], options) {
        let mut group = Group::without_floor("workflows", at(size, options));
        group.bench("bare", move |b| {
            all(b, size, || async { waiting(1).await + 1 });
        });
        for (name, recorder) in [("tta, statistics", None), ("tta, sampled", Some(sampled()))] {
            let flow = flow();
            group.bench(name, move |b| {
                all(b, size, || run(&flow, recorder.as_ref()));
            });
        }
        group.bench("fastrace", move |b| {
            fastrace_catches_up();
            all(b, size, collected);
        });
        let provider = span_provider(Sampler::AlwaysOn);
        group.bench("tracing-opentelemetry", move |b| {
            let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
            let subscriber = tracing_subscriber::registry().with(layer);
            let _guard = tracing::subscriber::set_default(subscriber);
            all(b, size, instrumented);
        });
        curve.points(size as f64, size as f64, &group.measured());
    }
    curve.bytes_each = Some(bytes_each());
    curve
}

fn all<F: Future<Output = u64>>(b: &mut Bencher<'_>, size: usize, make: impl Fn() -> F) {
    b.iter(|| {
        let mut workflows = begun(size, &make);
        for workflow in &mut workflows {
            assert!(poll(workflow).is_ready());
        }
    });
}

pub(crate) fn begun<F: Future<Output = u64>>(
    size: usize,
    make: impl Fn() -> F,
) -> Vec<Pin<Box<F>>> {
    let begin = |_| {
        let mut workflow = Box::pin(make());
        assert!(poll(&mut workflow).is_pending());
        workflow
    };
    (0..size).map(begin).collect()
}

fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

pub(crate) fn flow() -> Flow<impl Operand<Input = u64, Output = u64>> {
    with_attributes() >> step("waits", async |n: u64| Ok(waiting(n).await)) >> with_attributes()
}

pub(crate) async fn run<P: Operand<Input = u64, Output = u64>>(
    flow: &Flow<P>,
    recorder: Option<&Arc<dyn Recorder>>,
) -> u64 {
    let mut builder = WorkflowContext::builder();
    if let Some(recorder) = recorder {
        builder = builder.recorder(Arc::clone(recorder));
    }
    let ctx = builder.build();
    flow.execute(1, &ctx).await.unwrap_or_default()
}

pub(crate) fn collected() -> impl Future<Output = u64> {
    let root = fastrace::Span::root("workflow", SpanContext::random());
    let span = |name| fastrace::Span::enter_with_local_parent(name);
    async move {
        let n = crate::peers::collected(1).await;
        let n = waiting(n).in_span(span("waits")).await;
        crate::peers::collected(n).await
    }
    .in_span(root)
}

pub(crate) fn instrumented() -> impl Future<Output = u64> {
    let waits = |n| waiting(n).instrument(tracing::info_span!("waits"));
    async move { traced(waits(traced(1).await).await).await }
        .instrument(tracing::info_span!("workflow"))
}

/// Waits once.
pub(crate) async fn waiting(n: u64) -> u64 {
    let mut waited = false;
    std::future::poll_fn(|_| {
        if std::mem::replace(&mut waited, true) {
            Poll::Ready(n)
        } else {
            Poll::Pending
        }
    })
    .await
}

/// What a sampled one keeps in memory while it waits.
fn bytes_each() -> f64 {
    let (flow, recorder) = (flow(), sampled());
    let (_workflows, bytes) = held(|| begun(KEPT, || run(&flow, Some(&recorder))));
    bytes / KEPT as f64
}

const KEPT: usize = 20_000;
