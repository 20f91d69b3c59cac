//! One histogram with many label sets, each in turn recorded into.

use std::hint::black_box;
use std::time::Duration;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram as ClientHistogram;
use tta_benches::{Curve, Group, Options};
use tta_core::{DURATION_BOUNDS, Histogram, MetricSpec, Registry, Unit};

use crate::{at, held, sizes};

pub(crate) fn curve(options: &Options) -> Curve {
    let mut curve = Curve::new(
        "labels",
        "Label sets of one histogram",
        "label sets",
        "ns a value",
    );
    for size in sizes(&[10, 100, 1_000, 10_000, 100_000], options) {
        let mut group = Group::without_floor("labels", at(size, options));
        let values: Vec<String> = (0..size).map(|n| format!("model-{n}")).collect();
        let registry = Registry::new();
        registry.set_label_limit(1_000_000);
        let (handles, bytes) = held(|| {
            let handles = values.iter().map(|value| histogram(&registry, value));
            let handles: Vec<Histogram> = handles.collect();
            for handle in &handles {
                handle.record(VALUE);
            }
            handles
        });
        curve.bytes_each = Some(bytes / size as f64);
        group.bench("tta, handles", move |b| {
            let mut turn = Turn::new(size);
            b.iter(|| handles.get(turn.next()).map(|it| it.record(VALUE)));
        });
        let texts = values.clone();
        group.bench("tta, look-up", move |b| {
            let mut turn = Turn::new(size);
            b.iter(|| {
                texts
                    .get(turn.next())
                    .map(|it| histogram(&registry, it).record(VALUE))
            });
        });
        client(&mut group, &values);
        curve.points(size as f64, 1.0, &group.measured());
    }
    curve
}

fn histogram(registry: &Registry, value: &str) -> Histogram {
    match registry.histogram(&SPEC, &[value]) {
        Ok(histogram) => histogram,
        Err(error) => panic!("{error}"),
    }
}

fn client(group: &mut Group<'_>, values: &[String]) {
    let new = || ClientHistogram::new(DURATION_BOUNDS.iter().copied());
    let family = Family::<(String, String), ClientHistogram>::new_with_constructor(new);
    let labels = values.iter().map(|it| ("model".to_owned(), it.clone()));
    let labels: Vec<(String, String)> = labels.collect();
    let handles: Vec<ClientHistogram> = labels
        .iter()
        .map(|labels| family.get_or_create(labels).clone())
        .collect();
    let (size, seconds) = (values.len(), VALUE.as_secs_f64());
    group.bench("prometheus-client, handles", move |b| {
        let mut turn = Turn::new(size);
        b.iter(|| {
            handles
                .get(turn.next())
                .map(|it| it.observe(black_box(seconds)))
        });
    });
    group.bench("prometheus-client, look-up", move |b| {
        let mut turn = Turn::new(size);
        b.iter(|| {
            let labels = labels.get(turn.next());
            labels.map(|it| family.get_or_create(it).observe(black_box(seconds)))
        });
    });
}

/// Places in an order that no prefetcher guesses, the same for everybody.
struct Turn {
    size: usize,
    state: u64,
}

impl Turn {
    fn new(size: usize) -> Self {
        Self { size, state: 1 }
    }

    fn next(&mut self) -> usize {
        // The constants are Knuth's, of MMIX; the high bits are the random ones.
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as usize % self.size
    }
}

static SPEC: MetricSpec =
    MetricSpec::histogram("scale_seconds", Unit::Seconds, "Of a benchmark.").labels(&["model"]);

const VALUE: Duration = Duration::from_micros(730);
