//! Steps one after the other, as `>>` joins them.

use std::hint::black_box;
use std::sync::Arc;

use tta_benches::Discard;
use tta_core::{Attribute, Flow, Operand, Recorder, WorkflowContext, step};

use crate::workflow::{context, done, now};

/// A step of a trace that a recorder does not sample, and which would have four attributes.
pub(crate) fn unsampled(rounds: usize, operations: usize) {
    measure(rounds, operations, false);
}

/// A step of a sampled trace with four attributes, up to where the recorder takes the trace.
pub(crate) fn sampled(rounds: usize, operations: usize) {
    measure(rounds, operations, true);
}

fn measure(rounds: usize, operations: usize, sampled: bool) {
    let recorder = Discard::recorder(sampled);
    one_after_the_other(rounds, operations, &recorder);
}

/// Runs workflows of one step or of eleven, with four attributes each.
pub(crate) fn one_after_the_other(rounds: usize, operations: usize, recorder: &Arc<dyn Recorder>) {
    match operations {
        1 => run(rounds, &with_attributes(), recorder),
        _ => run(rounds, &eleven(), recorder),
    }
}

fn run<P: Operand<Input = u64, Output = u64>>(
    rounds: usize,
    flow: &Flow<P>,
    recorder: &Arc<dyn Recorder>,
) {
    for _ in 0..rounds {
        let ctx = context(Some(recorder));
        black_box(done(now(flow.execute(1, &ctx))));
    }
}

fn with_attributes() -> Flow<impl Operand<Input = u64, Output = u64>> {
    step("attributes", async |n: u64, ctx: &WorkflowContext| {
        ctx.set_attributes([
            Attribute::new("model", "small"),
            Attribute::new("prompt_tokens", n),
            Attribute::new("cost_usd", 0.25),
            Attribute::new("cached", false),
        ]);
        Ok(black_box(n) + 1)
    })
}

fn eleven() -> Flow<impl Operand<Input = u64, Output = u64>> {
    let five = || {
        with_attributes()
            >> with_attributes()
            >> with_attributes()
            >> with_attributes()
            >> with_attributes()
    };
    five() >> five() >> with_attributes()
}
