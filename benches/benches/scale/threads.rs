//! One thread and two that do the same with the same things.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use fastrace::future::FutureExt as _;
use fastrace::prelude::SpanContext;
use prometheus_client::metrics::histogram::Histogram as ClientHistogram;
use tta_benches::{Bencher, Curve, Group, Options, now};
use tta_core::{DURATION_BOUNDS, MetricSpec, Registry, Unit, WorkflowContext};

use crate::at;
use crate::peers::{collected, fastrace_catches_up, fastrace_to_nowhere, with_attributes};

pub(crate) fn curve(options: &Options) -> Curve {
    let mut curve = Curve::new(
        "threads",
        "One thread and two on the same series",
        "threads",
        "ns of one thread, over its cost alone",
    );
    fastrace_to_nowhere();
    let mut group = Group::without_floor("threads", at(1, options));
    let flow = Arc::new(with_attributes());
    group.bench_threads("tta, step", move |b: &mut Bencher<'_>| {
        let ctx = WorkflowContext::new();
        b.iter(|| now(flow.execute(black_box(1), &ctx)).unwrap_or_default());
    });
    group.bench_threads("fastrace, step", |b: &mut Bencher<'_>| {
        fastrace_catches_up();
        b.iter(|| {
            let root = fastrace::Span::root("workflow", SpanContext::random());
            now(async { collected(1).await }.in_span(root))
        });
    });
    let handle = match Registry::new().histogram(&SPEC, &[]) {
        Ok(handle) => handle,
        Err(error) => panic!("{error}"),
    };
    group.bench_threads("tta, histogram", move |b| {
        b.iter(|| handle.record(black_box(VALUE)));
    });
    let handle = ClientHistogram::new(DURATION_BOUNDS.iter().copied());
    group.bench_threads("prometheus-client, histogram", move |b| {
        b.iter(|| handle.observe(black_box(VALUE).as_secs_f64()));
    });
    let report = group.measured();
    let medians: Vec<(&str, f64)> = report.medians().collect();
    for (name, of_two) in &medians {
        let Some(alone) = name.strip_suffix(", 2 threads") else {
            continue;
        };
        if let Some((_, of_one)) = medians.iter().find(|(name, _)| *name == alone) {
            curve.point(alone, 1.0, 1.0);
            curve.point(alone, 2.0, of_two / of_one);
        }
    }
    curve
}

static SPEC: MetricSpec =
    MetricSpec::histogram("scale_threads_seconds", Unit::Seconds, "Of a benchmark.");

const VALUE: Duration = Duration::from_micros(730);
