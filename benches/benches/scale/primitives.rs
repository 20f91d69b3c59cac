//! Many different steps, one after the other: each has series of its own.

use std::hint::black_box;
use std::time::Instant;

use prometheus_client::metrics::histogram::Histogram;
use tta_benches::{Curve, Group, Options, now};
use tta_core::{BoxFlow, DURATION_BOUNDS, WorkflowContext, registry, sequence_all, step};

use crate::{at, held, sizes};

pub(crate) fn curve(options: &Options) -> Curve {
    let mut curve = Curve::new(
        "primitives",
        "Different steps in one workflow",
        "steps",
        "ns a step",
    );
    registry().set_label_limit(1_000_000);
    for size in sizes(&[1, 10, 100, 1_000, 10_000], options) {
        let mut group = Group::without_floor("primitives", at(size, options));
        let (flow, bytes) = held(|| {
            let flow = sequence(size);
            let _ = now(flow.execute(1, &WorkflowContext::new()));
            flow
        });
        curve.bytes_each = Some(bytes / size as f64);
        group.bench("tta, statistics", move |b| {
            b.iter(|| now(flow.execute(1, &WorkflowContext::new())).unwrap_or_default());
        });
        group.bench("by hand: clock, prometheus-client", move |b| {
            let handles: Vec<Histogram> = (0..size)
                .map(|_| Histogram::new(DURATION_BOUNDS.iter().copied()))
                .collect();
            b.iter(|| {
                let mut n = 1;
                for handle in &handles {
                    let begun = Instant::now();
                    n = black_box(n) + 1;
                    handle.observe(begun.elapsed().as_secs_f64());
                }
                n
            });
        });
        curve.points(size as f64, size as f64, &group.measured());
    }
    curve
}

fn sequence(size: usize) -> BoxFlow<u64, u64> {
    let boxed = |n| {
        let name: &'static str = format!("step_{size}_{n}").leak();
        step(name, async |n: u64| Ok(black_box(n) + 1)).boxed()
    };
    let steps: Result<Vec<_>, _> = (0..size).map(boxed).collect();
    match steps.and_then(sequence_all) {
        Ok(flow) => flow,
        Err(error) => panic!("{error}"),
    }
}
