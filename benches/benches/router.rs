//! What a router's decision costs, and what scoring a prompt does.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has nothing to report"
)]

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use tta_core::{BoxFlow, Flow, Observed, WorkflowContext, step};
use tta_router::{
    ByComplexity, ByRule, CostModel, HealthAware, LeastInFlight, LowestLatency, RouterPrimitive,
    RoutingStrategy, complexity,
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

type Text = &'static str;

fn boxed() -> BoxFlow<Text, usize> {
    let route = step("route", async |text: Text| Ok(black_box(text).len()));
    route.boxed().unwrap()
}

fn router(
    strategy: impl RoutingStrategy<Text> + 'static,
) -> Flow<Observed<RouterPrimitive<Text, usize>>> {
    RouterPrimitive::builder()
        .route("cheap", boxed(), CostModel::per_call(0.001))
        .route("premium", boxed(), CostModel::per_call(0.01))
        .strategy(strategy)
        .build()
        .unwrap()
}

fn rule() -> ByRule<Text> {
    ByRule::otherwise("cheap").when("premium", |text: &Text, _| text.len() > 4_000)
}

fn decisions(criterion: &mut Criterion) {
    let ctx = WorkflowContext::new();
    let mut group = criterion.benchmark_group("router/decide");
    let complexity_of = ByComplexity::new("cheap", "premium", |text: &Text| *text);
    for (name, router) in [
        ("rule", router(rule())),
        ("rule, health aware", router(HealthAware::llm(rule()))),
        ("least in flight", router(LeastInFlight::new())),
        ("lowest latency", router(LowestLatency::new())),
        ("complexity", router(complexity_of)),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| router.decide_route(black_box(&PROMPT), &ctx).unwrap().score);
        });
    }
    group.finish();
}

fn calls(criterion: &mut Criterion) {
    let ctx = WorkflowContext::new();
    let mut group = criterion.benchmark_group("router/call");
    let (route, ruled) = (boxed(), router(rule()));
    // A workflow each: what is compared is the router's part.
    group.bench_function("boxed route alone", |bencher| {
        bencher.iter(|| now(route.execute(black_box(PROMPT), &ctx)).unwrap());
    });
    group.bench_function("boxed route behind a rule", |bencher| {
        bencher.iter(|| now(ruled.execute(black_box(PROMPT), &ctx)).unwrap());
    });
    group.finish();
}

fn scoring(criterion: &mut Criterion) {
    criterion.bench_function("router/complexity of 322 characters", |bencher| {
        bencher.iter(|| complexity(black_box(PROMPT)).score());
    });
}

const PROMPT: &str = "Explain how a cache with single flight works, and compare it with a plain one: \
    what happens when 1,000 callers ask for one key at once? Consider a leader that fails after 250 \
    ms, a leader that is dropped, and followers with deadlines of their own. Then write down the \
    steps in order, and say which of them can be left out.";

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = decisions, calls, scoring
}
criterion_main!(benches);
