//! What things cost as the work grows, as curves, drawn into docs/benchmarks.

mod labels;
mod memory;
mod primitives;
mod spans;
mod svg;
mod threads;
mod workflows;

#[path = "../peers/mod.rs"]
mod peers;

use std::sync::Arc;

use allocation_counter::measure;
use tta_benches::{Curve, Options, Report};
use tta_core::{Parent, Recorder, TraceId};

fn main() {
    let options = Options::from_args();
    let mut report = Report::new("scale", options.clone());
    for measured in [
        workflows::curve,
        primitives::curve,
        labels::curve,
        spans::curve,
        memory::of_workflows,
        memory::of_spans,
        threads::curve,
    ] {
        let curve: Curve = measured(&options);
        println!("{}: {:?}", curve.title, curve.series);
        if let Some(folder) = &options.plots {
            svg::draw(&curve, &folder.join(curve.name).with_extension("svg"));
        }
        report.curve(curve);
    }
    report.finish();
}

/// What `make` makes, and the bytes that it allocated and has not freed.
fn held<T>(make: impl FnOnce() -> T) -> (T, f64) {
    let mut result = None;
    let bytes = measure(|| result = Some(make())).bytes_current;
    match result {
        Some(result) => (result, bytes as f64),
        None => unreachable!("what is measured is run"),
    }
}

/// Few rounds where each takes long.
fn at(size: usize, options: &Options) -> Options {
    let rounds = match (options.measures, options.quick, size) {
        (false, ..) => 1,
        (_, true, 10_000..) => 3,
        (_, true, _) => 10,
        (_, false, 10_000..) => 7,
        (_, false, _) => 30,
    };
    Options {
        rounds,
        ..options.clone()
    }
}

/// Those of the sizes that this run has time for.
fn sizes(all: &'static [usize], options: &Options) -> impl Iterator<Item = usize> + use<> {
    let most = match (options.measures, options.quick) {
        (false, _) => 10,
        (_, true) => 10_000,
        (_, false) => usize::MAX,
    };
    all.iter().copied().filter(move |size| *size <= most)
}

/// Samples every trace, and drops it.
struct Sampled;

impl Recorder for Sampled {
    fn sample(&self, _: TraceId, _: Option<&Parent>) -> bool {
        true
    }
}

fn sampled() -> Arc<dyn Recorder> {
    Arc::new(Sampled)
}
