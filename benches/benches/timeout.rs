//! What a timeout costs around an operation that is ready at once: beside the same operation alone,
//! inside a primitive that only passes it on, and inside tokio's own timeout.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has nothing to report"
)]

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use tta_core::{Flow, Observed, Operand, Primitive, Result, WorkflowContext, step};
use tta_timeout::{AdaptiveLimit, TimeoutConfig, TimeoutExt};

/// An observed primitive around a flow that does nothing of its own.
struct PassOn<P>(P);

impl<P: Primitive> Primitive for PassOn<P> {
    type Input = P::Input;
    type Output = P::Output;

    async fn execute(&self, input: P::Input, ctx: &WorkflowContext) -> Result<P::Output> {
        self.0.execute(input, ctx).await
    }
}

fn passed_on<P: Primitive>(flow: Flow<P>) -> Flow<Observed<PassOn<P>>> {
    Flow::new(PassOn(flow.into_primitive()))
}

fn plain() -> Flow<impl Operand<Input = u64, Output = u64>> {
    step("plain", async |n: u64| Ok(black_box(n) + 1))
}

/// Polls a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    match future.as_mut().poll(&mut cx) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("no operation of these benchmarks waits"),
    }
}

fn measure(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let minute = Duration::from_secs(60);
    let ctx = WorkflowContext::new();
    let mut group = criterion.benchmark_group("timeout");

    let flow = plain();
    group.bench_function("step", |b| b.iter(|| now(flow.execute(1, &ctx))));
    let flow = passed_on(plain());
    group.bench_function("passed_on", |b| b.iter(|| now(flow.execute(1, &ctx))));
    let flow = plain().timeout(minute).unwrap();
    group.bench_function("limit", |b| b.iter(|| now(flow.execute(1, &ctx))));
    let config = TimeoutConfig::new(minute).with_grace(minute);
    let flow = plain().timeout(config).unwrap();
    group.bench_function("grace", |b| b.iter(|| now(flow.execute(1, &ctx))));
    let limit = AdaptiveLimit::between(minute, minute);
    let flow = plain().timeout(TimeoutConfig::from_policy(limit)).unwrap();
    group.bench_function("adaptive", |b| b.iter(|| now(flow.execute(1, &ctx))));
    let flow = plain();
    group.bench_function("tokio", |b| {
        b.iter(|| now(tokio::time::timeout(minute, flow.execute(1, &ctx))));
    });
    let flow = passed_on(plain());
    group.bench_function("tokio_passed_on", |b| {
        b.iter(|| now(tokio::time::timeout(minute, flow.execute(1, &ctx))));
    });
    group.bench_function("clock_twice", |b| b.iter(|| (ctx.now(), ctx.now())));
    group.bench_function("context_with_deadline", |b| {
        let deadline = ctx.now() + minute;
        b.iter(|| ctx.with_deadline(deadline));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = measure
}
criterion_main!(benches);
