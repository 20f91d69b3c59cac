//! What a timeout allocates: nothing, where nothing is sampled.
//!
//! The counting allocator is the whole process's, so this is a test binary of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use allocation_counter::measure;
use tta_core::{Flow, Operand, Primitive, WorkflowContext, step};
use tta_testkit::immediate::{now, still};
use tta_timeout::{AdaptiveLimit, TimeoutConfig, TimeoutExt};

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

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn a_timeout_around_an_operation_that_is_ready_allocates_nothing() {
    assert_eq!(of_one_run(&step_alone().timeout(MINUTE).unwrap()), 0);
}

#[test]
fn a_limit_that_follows_what_is_observed_allocates_nothing_for_a_call() {
    let limit = AdaptiveLimit::between(MINUTE, MINUTE)
        .with_warm_up(2)
        .with_window(2);
    let flow = step_alone()
        .timeout(TimeoutConfig::from_policy(limit))
        .unwrap();
    assert_eq!(of_one_run(&flow), 0);
}

#[test]
fn a_grace_period_allocates_the_signal_by_which_the_operation_is_told() {
    let config = TimeoutConfig::new(MINUTE).with_grace(MINUTE);
    assert_eq!(of_one_run(&step_alone().timeout(config).unwrap()), 1);
}
