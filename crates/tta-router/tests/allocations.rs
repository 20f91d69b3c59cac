//! What deciding allocates: nothing, for a decision that is not sampled.
//!
//! The counting allocator is the whole process's, so this is a test binary of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use allocation_counter::measure;
use tta_core::{BoxFlow, Flow, Observed, WorkflowContext, step};
use tta_router::{
    ByComplexity, ByRule, CheapestWithin, CostModel, HealthAware, LeastInFlight, LowestLatency,
    RoundRobin, RouterPrimitive, RoutingStrategy, Sticky, Weighted,
};
use tta_testkit::immediate::{now, still};

type Router = Flow<Observed<RouterPrimitive<&'static str, usize>>>;

/// Allocations of one run, after others have made what is made once.
fn allocations(mut run: impl FnMut()) -> u64 {
    for _ in 0..3 {
        run();
    }
    measure(run).count_total
}

fn model() -> Flow<impl tta_core::Primitive<Input = &'static str, Output = usize> + 'static> {
    step("model", async |text: &'static str| Ok(text.len()))
}

fn router(strategy: impl RoutingStrategy<&'static str> + 'static) -> Router {
    RouterPrimitive::builder()
        .route("cheap", model(), CostModel::per_call(0.001))
        .route("premium", model(), CostModel::per_call(0.01))
        .strategy(strategy)
        .build()
        .unwrap()
}

fn rule() -> ByRule<&'static str> {
    // A name that is not known when the program is written is held, and lent to each decision.
    ByRule::otherwise(String::from("cheap")).when("premium", |text: &&str, _| text.len() > 400)
}

const PROMPT: &str = "Explain how a cache with single flight works, and compare it with a plain one: \
    what happens when 1,000 callers ask for one key at once?";

#[test]
fn no_strategy_allocates_to_decide() {
    let ctx = WorkflowContext::builder().clock(still).build();
    let weights = Weighted::new([("cheap", 9.0), ("premium", 1.0)]).unwrap();
    let second = Duration::from_secs(1);
    for (name, router) in [
        ("rule", router(rule())),
        (
            "complexity",
            router(ByComplexity::new(
                "cheap",
                "premium",
                |text: &&'static str| *text,
            )),
        ),
        ("round robin", router(RoundRobin::new())),
        ("weighted", router(weights)),
        ("least in flight", router(LeastInFlight::new())),
        ("lowest latency", router(LowestLatency::new())),
        ("cheapest within", router(CheapestWithin::new(second))),
        (
            "sticky",
            router(Sticky::by(|text: &&'static str, _: &WorkflowContext| {
                Some(text.len())
            })),
        ),
        ("health", router(HealthAware::llm(rule()))),
    ] {
        let of_deciding = allocations(|| _ = router.decide_route(&PROMPT, &ctx));
        assert_eq!(of_deciding, 0, "{name}");
    }
}

#[test]
fn a_routed_call_allocates_no_more_than_its_boxed_route_and_the_meter_of_what_it_costs() {
    let ctx = WorkflowContext::builder().clock(still).build();
    let boxed: BoxFlow<&'static str, usize> = model().boxed().unwrap();
    let router = router(HealthAware::standard(rule()));
    let of_route = allocations(|| _ = now(boxed.execute(PROMPT, &ctx)));
    let of_router = allocations(|| _ = now(router.execute(PROMPT, &ctx)));
    println!("allocations: a boxed step {of_route}, a router around it {of_router}");
    assert_eq!(of_router, of_route + 1);
}
