//! What a trace costs its caller under each decision; the figures of design note 0025.
//!
//! `cargo test --release -p tta-telemetry --test sampling -- --ignored --nocapture cost`

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tta_core::{Attribute, WorkflowContext, step};
use tta_telemetry::{ObservabilityConfig, Sampler, SpanSink};

use super::support::{Act, Scripted, alone, traces_only};

const ROUNDS: usize = 15;
const WORKFLOWS: u32 = 20_000;
const STEPS: f64 = 3.0;

#[test]
#[ignore = "it measures, and only a release build on a quiet machine says something"]
fn cost_of_a_step_by_what_is_decided_about_its_trace() {
    let _alone = alone();
    let off = || traces_only().with_sampler(Sampler::AlwaysOff);
    let cases: [(&str, fn(ObservabilityConfig) -> ObservabilityConfig); 4] = [
        ("not sampled", |config| config),
        ("not sampled, tail keep, not kept", |config| {
            config.with_tail_keep(true)
        }),
        ("not sampled, tail keep, in two pieces", |config| {
            config.with_tail_keep(true)
        }),
        ("sampled", |config| config.with_sampler(Sampler::AlwaysOn)),
    ];
    let mut best = [f64::MAX; 4];
    for _ in 0..ROUNDS {
        for (index, ((name, change), best)) in cases.iter().zip(&mut best).enumerate() {
            let sink: Arc<dyn SpanSink> = Scripted::new(|_| Act::Take);
            let guard = change(off()).with_span_sink(sink).init();
            let nanos = nanos_a_step(index == 2);
            *best = best.min(nanos);
            drop(guard);
            println!("{name}: {nanos:.0} ns a step");
        }
    }
    for ((name, _), best) in cases.iter().zip(best) {
        println!("COST\t{name}\t{best:.0} ns a step, the least of {ROUNDS} rounds");
    }
}

fn nanos_a_step(in_pieces: bool) -> f64 {
    let one = || {
        step("one", async |n: u64, ctx: &WorkflowContext| {
            ctx.set_attributes([
                Attribute::new("a", n),
                Attribute::new("b", "small"),
                Attribute::new("c", true),
                Attribute::new("d", 0.5),
            ]);
            Ok(n + 1)
        })
    };
    let flow = one() >> one() >> one();
    let in_a_child = step("outer", async |n: u64, ctx: &WorkflowContext| {
        let inner = step("inner", async |n: u64| Ok(n));
        inner.execute(n, &ctx.child()).await
    });
    let began = Instant::now();
    for n in 0..u64::from(WORKFLOWS) {
        let ctx = WorkflowContext::new();
        if in_pieces {
            at_once(in_a_child.execute(n, &ctx));
        } else {
            at_once(flow.execute(n, &ctx));
        }
    }
    began.elapsed().as_nanos() as f64 / f64::from(WORKFLOWS) / STEPS
}

fn at_once<T>(future: impl Future<Output = tta_core::Result<T>>) {
    let mut future = std::pin::pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(result) => drop(result.unwrap()),
        Poll::Pending => unreachable!("no step waits"),
    }
}
