//! What an execution allocates: nothing, for a step that is not sampled.
//!
//! The counting allocator is the whole process's, so this is a test binary of its own.

use std::sync::Arc;

use allocation_counter::measure;
use tta_core::{Attribute, BoxFlow, Parent, Recorder, TraceId, WorkflowContext, step, switch};
use tta_testkit::immediate::{now, still};

/// Wants every span and no log line.
struct SpansOnly;

impl Recorder for SpansOnly {
    fn sample(&self, _: TraceId, _: Option<&Parent>) -> bool {
        true
    }
}

/// Allocations of one run, after others have made what is made once.
fn allocations(mut run: impl FnMut()) -> u64 {
    for _ in 0..3 {
        run();
    }
    measure(run).count_total
}

#[test]
fn a_step_that_is_not_sampled_allocates_nothing() {
    let s = || step("allocates", async |n: u64| Ok(n + 1));
    let (one, three) = (s(), s() >> s() >> s());
    let ctx = WorkflowContext::builder().clock(still).build();
    let of_context = allocations(|| drop(WorkflowContext::new()));
    let of_one = allocations(|| assert_eq!(now(one.execute(0, &ctx)).unwrap(), 1));
    let of_three = allocations(|| assert_eq!(now(three.execute(0, &ctx)).unwrap(), 3));
    println!("allocations: a context {of_context}, a workflow of 1 step {of_one}, of 3 {of_three}");
    assert_eq!((of_one, of_three), (0, 0));
    assert!(of_context <= 2, "{of_context}");
}

#[test]
fn a_step_that_a_recorder_does_not_sample_allocates_nothing_either() {
    /// Says no to every trace, and is asked about every workflow.
    struct Declines;
    impl Recorder for Declines {}

    let declines: Arc<dyn Recorder> = Arc::new(Declines);
    let flow = step("declined", async |n: u64| Ok(n + 1)).named("declined_workflow");
    let contexts: Vec<_> = (0..4)
        .map(|_| {
            let builder = WorkflowContext::builder().recorder(declines.clone());
            builder.clock(still).build()
        })
        .collect();
    let mut fresh = contexts.iter();
    let of_one = allocations(|| {
        let ctx = fresh.next().unwrap();
        assert_eq!(now(flow.execute(0, ctx)).unwrap(), 1);
    });
    assert_eq!(of_one, 0);
}

#[test]
fn an_attribute_of_a_step_that_is_not_sampled_allocates_nothing() {
    let flow = step("says_nothing", async |n: u64, ctx: &WorkflowContext| {
        ctx.set_attribute("n", n);
        ctx.set_attribute("model", "small");
        Ok(n)
    });
    let ctx = WorkflowContext::builder().clock(still).build();
    assert_eq!(allocations(|| _ = now(flow.execute(0, &ctx))), 0);
}

#[test]
fn a_switch_that_is_not_sampled_allocates_no_more_than_its_boxed_case() {
    let s = || step("case_allocates", async |n: u64| Ok(n));
    let boxed: BoxFlow<u64, u64> = s().boxed().unwrap();
    let flow = switch(|_: &u64, _| Ok("a")).case("a", s()).build().unwrap();
    let ctx = WorkflowContext::builder().clock(still).build();
    let of_case = allocations(|| _ = now(boxed.execute(0, &ctx)));
    let of_switch = allocations(|| _ = now(flow.execute(0, &ctx)));
    println!("allocations: a boxed step {of_case}, a switch around it {of_switch}");
    assert_eq!(of_switch, of_case);
}

#[test]
fn a_sampled_workflow_allocates_for_the_trace_and_not_for_each_step() {
    let s = || step("sampled_allocates", async |n: u64| Ok(n + 1));
    let (one, three) = (s(), s() >> s() >> s());
    let spans: Arc<dyn Recorder> = Arc::new(SpansOnly);
    let context = || {
        let builder = WorkflowContext::builder().recorder(spans.clone());
        builder.clock(still).build()
    };
    let of_one = allocations(|| _ = now(one.execute(0, &context())));
    let of_three = allocations(|| _ = now(three.execute(0, &context())));
    println!("allocations: a sampled workflow of 1 step {of_one}, of 3 {of_three}");
    assert_eq!(of_one, of_three);
}

#[test]
fn a_sampled_step_with_four_attributes_allocates_less_than_once_in_six_steps() {
    let s = || {
        step("four_attributes", async |n: u64, ctx: &WorkflowContext| {
            ctx.set_attributes([
                Attribute::new("model", "small"),
                Attribute::new("prompt_tokens", n),
                Attribute::new("cost_usd", 0.25),
                Attribute::new("cached", false),
            ]);
            Ok(n + 1)
        })
    };
    let eight = || s() >> s() >> s() >> s() >> s() >> s() >> s() >> s();
    let (eight, forty) = (eight(), eight() >> eight() >> eight() >> eight() >> eight());
    let spans: Arc<dyn Recorder> = Arc::new(SpansOnly);
    let context = || {
        let builder = WorkflowContext::builder().recorder(spans.clone());
        builder.clock(still).build()
    };
    let of_eight = allocations(|| _ = now(eight.execute(0, &context())));
    let of_forty = allocations(|| _ = now(forty.execute(0, &context())));
    println!("allocations: a sampled workflow of 8 steps {of_eight}, of 40 {of_forty}");
    // A context, its identity, and room for spans and attributes, which is doubled as they grow.
    assert!(of_eight <= 4, "{of_eight}");
    assert!(of_forty - of_eight <= 32 / 6, "{of_forty} after {of_eight}");
}
