//! What a router's decision costs, and what scoring a prompt does.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has nothing to report"
)]

use std::convert::Infallible;
use std::hint::black_box;

use tower::steer::Steer;
use tower::util::BoxService;
use tower::{Service, ServiceExt as _, service_fn};
use tta_benches::{Bencher, Group, now};
use tta_core::{BoxFlow, Error, Flow, Observed, WorkflowContext, step};
use tta_router::{
    ByComplexity, ByRule, CostModel, HealthAware, LeastInFlight, LowestLatency, RouterPrimitive,
    RoutingStrategy, complexity,
};

fn main() {
    let mut group = Group::new("router");
    add_decision(&mut group, "rule", rule());
    add_decision(&mut group, "rule, health aware", HealthAware::llm(rule()));
    add_decision(&mut group, "least in flight", LeastInFlight::new());
    add_decision(&mut group, "lowest latency", LowestLatency::new());
    let by_complexity = ByComplexity::new("cheap", "premium", |text: &Text| *text);
    add_decision(&mut group, "complexity", by_complexity);
    group.bench("score of 322 characters", |b| {
        b.iter(|| complexity(black_box(PROMPT)).score());
    });
    calls(&mut group);
    steer(&mut group);
    group.finish();
}

fn add_decision(group: &mut Group<'_>, name: &str, strategy: impl RoutingStrategy<Text> + 'static) {
    let (router, ctx) = (router(strategy), WorkflowContext::new());
    group.bench(&format!("decision, {name}"), move |b| {
        b.iter(|| router.decide_route(black_box(&PROMPT), &ctx).unwrap().score);
    });
}

fn calls(group: &mut Group<'_>) {
    let (route, ruled) = (boxed(), router(rule()));
    group.bench("call of the route alone", move |b| {
        in_a_workflow(b, |ctx| now(route.execute(black_box(PROMPT), ctx)));
    });
    group.bench("call behind a rule", move |b| {
        in_a_workflow(b, |ctx| now(ruled.execute(black_box(PROMPT), ctx)));
    });
}

/// The same choice by tower, whose services are not observed.
fn steer(group: &mut Group<'_>) {
    let service = || {
        BoxService::new(service_fn(async |text: Text| {
            Ok::<_, Infallible>(text.len())
        }))
    };
    let by_length = |text: &Text, _: &[_]| usize::from(text.len() > LONG);
    let mut steer = Steer::new([service(), service()], by_length);
    group.bench("tower steer, a call", move |b| {
        b.iter(|| now(async { steer.ready().await.unwrap().call(black_box(PROMPT)).await }));
    });
    let mut alone = service();
    group.bench("tower, a call of the service alone", move |b| {
        b.iter(|| now(async { alone.ready().await.unwrap().call(black_box(PROMPT)).await }));
    });
}

fn in_a_workflow<R>(b: &mut Bencher<'_>, call: impl Fn(&WorkflowContext) -> R + Sync) {
    let ctx = WorkflowContext::new();
    let calls = async {
        b.iter(|| call(&ctx));
        Ok::<_, Error>(())
    };
    now(ctx.workflow("calls", calls)).unwrap();
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
    ByRule::otherwise("cheap").when("premium", |text: &Text, _| text.len() > LONG)
}

const LONG: usize = 4_000;

const PROMPT: &str = "Explain how a cache with single flight works, and compare it with a plain one: \
    what happens when 1,000 callers ask for one key at once? Consider a leader that fails after 250 \
    ms, a leader that is dropped, and followers with deadlines of their own. Then write down the \
    steps in order, and say which of them can be left out.";
