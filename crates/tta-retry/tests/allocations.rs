//! What a retry allocates: nothing, where nothing is sampled.
//!
//! The counting allocator is the whole process's, so this is a test binary of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use allocation_counter::measure;
use tta_core::{Flow, Operand, Primitive, WorkflowContext, step};
use tta_retry::{RetryConfig, RetryExt};
use tta_testkit::immediate::{now, still};

/// Allocations of one run, after others have made what is made once.
fn allocations(mut run: impl FnMut()) -> u64 {
    for _ in 0..3 {
        run();
    }
    measure(run).count_total
}

fn step_alone() -> Flow<impl Operand<Input = u64, Output = u64>> {
    step("allocates", async |n: u64| Ok(n + 1))
}

fn of_one_run<P: Primitive<Input = u64, Output = u64>>(flow: &Flow<P>) -> u64 {
    let ctx = WorkflowContext::builder().clock(still).build();
    allocations(|| assert_eq!(now(flow.execute(0, &ctx)).unwrap(), 1))
}

#[test]
fn a_retry_around_a_success_allocates_nothing() {
    assert_eq!(of_one_run(&step_alone().retry(3).unwrap()), 0);
    assert_eq!(
        of_one_run(&step_alone().retry(RetryConfig::llm()).unwrap()),
        0
    );
}
