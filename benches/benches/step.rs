//! What one more step costs on top of the bare future: observed by us in three ways, and by peers.

mod peers;

use std::hint::black_box;
use std::sync::Arc;

use fastrace::future::FutureExt as _;
use fastrace::local::LocalSpan;
use fastrace::prelude::SpanContext;
use opentelemetry::KeyValue;
use opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::Instrument as _;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;
use tta_benches::{Bencher, Discard, Group, now};
use tta_core::{Flow, Operand, Recorder, Result, WorkflowContext, step, uninstall_recorder};
use tta_telemetry::ObservabilityConfig;

use crate::peers::{
    collected, fastrace_catches_up, fastrace_to_nowhere, properties, span_provider, traced,
    with_attributes,
};

fn main() {
    let mut group = Group::new("step");
    group.bench_steps("bare", |b, steps| b.iter(|| now(chain(steps, work))));
    ours(&mut group);
    ours_by_the_counter(&mut group);
    for (name, sampler) in [
        ("opentelemetry_sdk", Sampler::AlwaysOn),
        ("opentelemetry_sdk off", Sampler::AlwaysOff),
    ] {
        let tracer = span_provider(sampler);
        group.bench_steps(name, move |b, steps| opentelemetry_sdk(&tracer, b, steps));
    }
    for (name, sampler) in [
        ("tracing-opentelemetry", Sampler::AlwaysOn),
        ("tracing-opentelemetry off", Sampler::AlwaysOff),
    ] {
        let provider = span_provider(sampler);
        group.bench_steps(name, move |b, steps| {
            let _guard = subscribed(&provider);
            b.iter(|| now(chain(steps, traced).instrument(tracing::info_span!("workflow"))));
        });
    }
    fastrace_to_nowhere();
    for (name, sampled) in [("fastrace", true), ("fastrace off", false)] {
        group.bench_steps(name, move |b, steps| {
            fastrace_catches_up();
            b.iter(|| now(chain(steps, collected_locally).in_span(root(sampled))));
        });
    }
    group.bench_threads("fastrace, one workflow", |b: &mut Bencher<'_>| {
        fastrace_catches_up();
        b.iter(|| now(chain(1, collected_locally).in_span(root(true))));
    });
    group.bench_steps("fastrace, spans that outlive a wait", |b, steps| {
        fastrace_catches_up();
        b.iter(|| now(chain(steps, collected).in_span(root(true))));
    });
    group.finish();
}

async fn work(n: u64) -> u64 {
    black_box(n) + 1
}

async fn chain<F: Future<Output = u64>>(steps: usize, step: impl Fn(u64) -> F) -> u64 {
    let mut n = 1;
    for _ in 0..steps {
        n = step(n).await;
    }
    n
}

fn plain() -> Flow<impl Operand<Input = u64, Output = u64>> {
    step("plain", async |n: u64| Ok(work(n).await))
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

fn ours(group: &mut Group<'_>) {
    let (one, eleven) = (plain(), eleven!(plain()));
    group.bench_steps("tta, statistics", move |b, steps| {
        if steps == 1 {
            b.iter(|| run(&one, None));
        } else {
            b.iter(|| run(&eleven, None));
        }
    });
    let (one, takes_all) = (Arc::new(with_attributes()), Discard::recorder(true));
    let again = Arc::clone(&one);
    group.bench_threads("tta, one workflow", move |b: &mut Bencher<'_>| {
        b.iter(|| run(&one, None));
    });
    group.bench_threads("tta, one sampled workflow", move |b: &mut Bencher<'_>| {
        b.iter(|| run(&again, Some(&takes_all)));
    });
    for (name, sampled) in [("tta, unsampled", false), ("tta, sampled", true)] {
        let (one, eleven) = (with_attributes(), eleven!(with_attributes()));
        let recorder = Discard::recorder(sampled);
        group.bench_steps(name, move |b, steps| {
            if steps == 1 {
                b.iter(|| run(&one, Some(&recorder)));
            } else {
                b.iter(|| run(&eleven, Some(&recorder)));
            }
        });
    }
}

/// With the clock that fastrace reads as well: the processor's counter.
fn ours_by_the_counter(group: &mut Group<'_>) {
    let telemetry = ObservabilityConfig::new("bench")
        .with_tsc_clock()
        .with_prometheus(false)
        .with_logs(false)
        .init();
    let Some(clock) = uninstall_recorder().and_then(|it| it.span_clock()) else {
        unreachable!("telemetry that is told to measure by the counter does so");
    };
    drop(telemetry);
    group.bench("TSC clock twice", move |b| {
        b.iter(|| (black_box(clock()), black_box(clock())));
    });
    for (name, sampled) in [
        ("tta, unsampled, TSC clock", false),
        ("tta, sampled, TSC clock", true),
    ] {
        let (one, eleven) = (with_attributes(), eleven!(with_attributes()));
        let recorder = Discard::with_clock(sampled, clock);
        group.bench_steps(name, move |b, steps| {
            if steps == 1 {
                b.iter(|| run(&one, Some(&recorder)));
            } else {
                b.iter(|| run(&eleven, Some(&recorder)));
            }
        });
    }
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

fn subscribed(provider: &SdkTracerProvider) -> DefaultGuard {
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    tracing::subscriber::set_default(tracing_subscriber::registry().with(layer))
}

fn opentelemetry_sdk(provider: &SdkTracerProvider, b: &mut Bencher<'_>, steps: usize) {
    let tracer = provider.tracer("bench");
    b.iter(|| {
        tracer.in_span("workflow", |_| {
            let mut n = 1;
            for _ in 0..steps {
                n = tracer.in_span("step", |cx| {
                    let span = cx.span();
                    span.set_attribute(KeyValue::new("model", "small"));
                    span.set_attribute(KeyValue::new("prompt_tokens", 1));
                    span.set_attribute(KeyValue::new("cost_usd", 0.25));
                    span.set_attribute(KeyValue::new("cached", false));
                    now(work(n))
                });
            }
            n
        })
    });
}

fn root(sampled: bool) -> fastrace::Span {
    fastrace::Span::root("workflow", SpanContext::random().sampled(sampled))
}

/// The cheaper form of fastrace, where a step that waits becomes several spans.
fn collected_locally(n: u64) -> impl Future<Output = u64> {
    async move {
        LocalSpan::add_properties(|| properties(n));
        work(n).await
    }
    .enter_on_poll("step")
}
