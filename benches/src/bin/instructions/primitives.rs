//! Primitives around a step that is ready at once.

use std::hint::black_box;
use std::time::Duration;

use tta_benches::PassOn;
use tta_breaker::{CircuitBreakerConfig, CircuitBreakerExt as _};
use tta_core::{Error, Flow, Operand, Primitive, step};
use tta_limit::{BulkheadConfig, LimitExt as _};
use tta_retry::{RetryConfig, RetryExt as _};
use tta_timeout::TimeoutExt as _;

use crate::workflow::{context, done, now};

/// A timeout and the step inside it.
pub(crate) fn timeout(rounds: usize, operations: usize) {
    run(
        &done(ready().timeout(Duration::from_mins(1))),
        rounds,
        operations,
    );
}

/// A step that does nothing but pass on to the step inside it: what a timeout is held against.
pub(crate) fn passed_on(rounds: usize, operations: usize) {
    run(
        &Flow::new(PassOn(ready().into_primitive())),
        rounds,
        operations,
    );
}

/// A retry that has nothing to do, and the step inside it.
pub(crate) fn retry(rounds: usize, operations: usize) {
    run(&done(ready().retry(RetryConfig::llm())), rounds, operations);
}

/// A breaker that counts, and the step inside it.
pub(crate) fn breaker(rounds: usize, operations: usize) {
    let config = CircuitBreakerConfig::standard();
    run(&done(ready().circuit_breaker(config)), rounds, operations);
}

/// A bulkhead in which nobody waits, and the step inside it.
pub(crate) fn bulkhead(rounds: usize, operations: usize) {
    run(
        &done(ready().limit(BulkheadConfig::new(8))),
        rounds,
        operations,
    );
}

fn ready() -> Flow<impl Operand<Input = u64, Output = u64>> {
    step("ready", async |n: u64| Ok(black_box(n) + 1))
}

fn run<P: Primitive<Input = u64>>(flow: &Flow<P>, rounds: usize, operations: usize) {
    for _ in 0..rounds {
        let ctx = context(None);
        let calls = async {
            for _ in 0..operations {
                black_box(flow.execute(1, &ctx).await?);
            }
            Ok::<_, Error>(())
        };
        done(now(ctx.workflow("calls", calls)));
    }
}
