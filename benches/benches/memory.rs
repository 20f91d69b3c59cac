//! The memory that a workflow in flight takes: three steps, the second of which waits.

use std::future::{pending, ready};
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use allocation_counter::measure;
use fastrace::future::FutureExt as _;
use fastrace::prelude::SpanContext;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::Sampler;
use tracing::Instrument as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tta_benches::{Discard, Options, Report};
use tta_core::{WorkflowContext, step};

use crate::peers::{collected, fastrace_to_nowhere, span_provider, traced, with_attributes};

mod peers;

fn main() {
    let mut report = Report::new("memory", Options::from_args());
    let mut add = |name: &str, bytes: f64| report.sample(name, bytes);
    add("bare", each(|| async { waiting(work(1).await).await }));
    let flow = with_attributes()
        >> step("waits", async |n: u64| Ok(waiting(n).await))
        >> with_attributes();
    for (name, sampled) in [
        ("tta, statistics", None),
        ("tta, unsampled", Some(false)),
        ("tta, sampled", Some(true)),
    ] {
        let recorder = sampled.map(Discard::recorder);
        let bytes = each(|| {
            let mut builder = WorkflowContext::builder();
            if let Some(recorder) = &recorder {
                builder = builder.recorder(Arc::clone(recorder));
            }
            let (ctx, flow) = (builder.build(), &flow);
            async move { flow.execute(1, &ctx).await.unwrap_or_default() }
        });
        add(name, bytes);
    }
    fastrace_to_nowhere();
    let bytes = each(|| {
        let root = fastrace::Span::root("workflow", SpanContext::random());
        let waits = |n| waiting(n).in_span(fastrace::Span::enter_with_local_parent("waits"));
        async move { waits(collected(1).await).await }.in_span(root)
    });
    add("fastrace", bytes);
    for (name, sampler) in [
        ("tracing-opentelemetry", Sampler::AlwaysOn),
        ("tracing-opentelemetry off", Sampler::AlwaysOff),
    ] {
        let provider = span_provider(sampler);
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
        let subscriber = tracing_subscriber::registry().with(layer);
        let _guard = tracing::subscriber::set_default(subscriber);
        let bytes = each(|| {
            let waits = |n| waiting(n).instrument(tracing::info_span!("waits"));
            async move { waits(traced(1).await).await }.instrument(tracing::info_span!("workflow"))
        });
        add(name, bytes);
    }
    report.finish();
}

/// Bytes that are allocated and not freed, for each of many such workflows at their second step.
fn each<F: Future<Output = u64>>(make: impl Fn() -> F) -> f64 {
    let mut workflows: Vec<Pin<Box<F>>> = Vec::with_capacity(2 * WORKFLOWS);
    let mut begin = || {
        for _ in 0..WORKFLOWS {
            let mut workflow = Box::pin(make());
            let mut cx = Context::from_waker(Waker::noop());
            assert!(workflow.as_mut().poll(&mut cx).is_pending());
            workflows.push(workflow);
        }
    };
    // What is made once is made by the first of them.
    begin();
    let bytes = measure(&mut begin).bytes_current;
    drop(workflows);
    bytes as f64 / WORKFLOWS as f64
}

async fn waiting(n: u64) -> u64 {
    pending::<()>().await;
    n
}

fn work(n: u64) -> impl Future<Output = u64> {
    ready(black_box(n) + 1)
}

const WORKFLOWS: usize = 1_000;
