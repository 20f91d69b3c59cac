//! What one more step costs: bare, observed by us in three ways, and observed by peers.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has nothing to report"
)]

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use tracing::Instrument as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tta_core::{
    Attribute, Flow, Operand, Parent, Recorder, Result, TraceId, TraceRecords, WorkflowContext,
    step,
};

/// Polls a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("no step of these benchmarks waits"),
    }
}

#[expect(
    clippy::unused_async,
    reason = "a step is a future, also when it never waits"
)]
async fn work(n: u64) -> u64 {
    black_box(n) + 1
}

/// Takes everything and drops it: what is measured is the caller's cost.
struct Discard {
    sampled: bool,
}

impl Recorder for Discard {
    fn sample(&self, _: TraceId, _: Option<&Parent>) -> bool {
        self.sampled
    }

    fn record(&self, trace: TraceRecords) {
        drop(black_box(trace));
    }
}

fn plain() -> Flow<impl Operand<Input = u64, Output = u64>> {
    step("plain", async |n: u64| Ok(work(n).await))
}

fn with_attributes() -> Flow<impl Operand<Input = u64, Output = u64>> {
    step("attributes", async |n: u64, ctx: &WorkflowContext| {
        ctx.set_attributes([
            Attribute::new("model", "small"),
            Attribute::new("prompt_tokens", n),
            Attribute::new("cost_usd", 0.25),
            Attribute::new("cached", false),
        ]);
        Ok(work(n).await)
    })
}

macro_rules! eleven {
    ($step:expr) => {
        $step
            >> $step
            >> $step
            >> $step
            >> $step
            >> $step
            >> $step
            >> $step
            >> $step
            >> $step
            >> $step
    };
}

fn floor(c: &mut Criterion) {
    let mut group = c.benchmark_group("floor");
    group.bench_function("clock_twice", |b| {
        b.iter(|| (black_box(Instant::now()), black_box(Instant::now())));
    });
    group.bench_function("bare/1", |b| b.iter(|| now(work(1))));
    group.bench_function("bare/11", |b| {
        b.iter(|| {
            now(async {
                let mut n = 1;
                for _ in 0..11 {
                    n = work(n).await;
                }
                n
            })
        });
    });
    group.finish();
}

fn run<P: Operand<Input = u64, Output = u64>>(
    flow: &Flow<P>,
    recorder: Option<&Arc<dyn Recorder>>,
) -> Result<u64> {
    let mut builder = WorkflowContext::builder();
    if let Some(recorder) = recorder {
        builder = builder.recorder(Arc::clone(recorder));
    }
    let ctx = builder.build();
    now(flow.execute(1, &ctx))
}

fn ours(c: &mut Criterion) {
    let unsampled: Arc<dyn Recorder> = Arc::new(Discard { sampled: false });
    let sampled: Arc<dyn Recorder> = Arc::new(Discard { sampled: true });
    let mut group = c.benchmark_group("tta");
    let (one, eleven) = (plain(), eleven!(plain()));
    group.bench_function("statistics/1", |b| b.iter(|| run(&one, None)));
    group.bench_function("statistics/11", |b| b.iter(|| run(&eleven, None)));
    let (one, eleven) = (with_attributes(), eleven!(with_attributes()));
    group.bench_function("unsampled/1", |b| b.iter(|| run(&one, Some(&unsampled))));
    group.bench_function("unsampled/11", |b| {
        b.iter(|| run(&eleven, Some(&unsampled)));
    });
    group.bench_function("sampled/1", |b| b.iter(|| run(&one, Some(&sampled))));
    group.bench_function("sampled/11", |b| b.iter(|| run(&eleven, Some(&sampled))));
    group.finish();
}

/// An exporter that takes everything and drops it.
#[derive(Debug)]
struct Nowhere;

impl SpanExporter for Nowhere {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        drop(black_box(batch));
        Ok(())
    }
}

fn provider(sampler: Sampler) -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_batch_exporter(Nowhere)
        .with_sampler(sampler)
        .build()
}

#[tracing::instrument(name = "step", fields(model, prompt_tokens, cost_usd, cached))]
async fn traced(n: u64) -> u64 {
    let span = tracing::Span::current();
    span.record("model", "small");
    span.record("prompt_tokens", n);
    span.record("cost_usd", 0.25);
    span.record("cached", false);
    work(n).await
}

fn tracing_opentelemetry(c: &mut Criterion, name: &str, sampler: Sampler) {
    let provider = provider(sampler);
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    let subscriber = tracing_subscriber::registry().with(layer);
    let mut group = c.benchmark_group(name);
    tracing::subscriber::with_default(subscriber, || {
        for steps in [1_u32, 11] {
            group.bench_function(steps.to_string(), |b| {
                b.iter(|| {
                    now(async {
                        let mut n = 1;
                        for _ in 0..steps {
                            n = traced(n).await;
                        }
                        n
                    }
                    .instrument(tracing::info_span!("workflow")))
                });
            });
        }
    });
    group.finish();
    provider.shutdown().unwrap();
}

fn opentelemetry_sdk(c: &mut Criterion) {
    let provider = provider(Sampler::AlwaysOn);
    let tracer = provider.tracer("bench");
    let mut group = c.benchmark_group("opentelemetry_sdk");
    for steps in [1_u32, 11] {
        group.bench_function(steps.to_string(), |b| {
            b.iter(|| {
                tracer.in_span("workflow", |_| {
                    let mut n = 1;
                    for _ in 0..steps {
                        n = tracer.in_span("step", |cx| {
                            let span = cx.span();
                            span.set_attribute(opentelemetry::KeyValue::new("model", "small"));
                            span.set_attribute(opentelemetry::KeyValue::new("prompt_tokens", 1));
                            span.set_attribute(opentelemetry::KeyValue::new("cost_usd", 0.25));
                            span.set_attribute(opentelemetry::KeyValue::new("cached", false));
                            now(work(n))
                        });
                    }
                    n
                })
            });
        });
    }
    group.finish();
    provider.shutdown().unwrap();
}

fn peers(c: &mut Criterion) {
    tracing_opentelemetry(c, "tracing_opentelemetry", Sampler::AlwaysOn);
    tracing_opentelemetry(c, "tracing_opentelemetry_off", Sampler::AlwaysOff);
    opentelemetry_sdk(c);
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = floor, ours, peers
}
criterion_main!(benches);
