use std::sync::atomic::{AtomicBool, Ordering};

use tta_core::{ErrorKind, MetricSpec, Registry, SampleValue, Unit};

static SIZE: MetricSpec = MetricSpec::gauge("registry_size", Unit::One, "h").labels(&["tier"]);
static HITS: MetricSpec =
    MetricSpec::counter("registry_hits_total", Unit::One, "h").labels(&["tier"]);

/// Every series as metric, labels joined, and value.
fn read(registry: &Registry) -> Vec<(String, f64)> {
    let mut all = Vec::new();
    for family in registry.gather() {
        for sample in family.samples {
            let value = match sample.value {
                SampleValue::Counter(value, _) | SampleValue::Gauge(value) => value,
                other => panic!("{other:?}"),
            };
            all.push((
                format!("{}/{}", family.spec.name, sample.labels.join(",")),
                value,
            ));
        }
    }
    all
}

fn series(name: &str, value: f64) -> (String, f64) {
    (name.to_owned(), value)
}

#[test]
fn a_callback_that_panics_is_left_out_and_counted_and_the_others_are_read() {
    static FAILS: AtomicBool = AtomicBool::new(true);
    let registry = Registry::new();
    let read_or_panic = || {
        assert!(
            !FAILS.load(Ordering::Relaxed),
            "the callback was told to panic"
        );
        7.0
    };
    registry
        .observe_gauge(&SIZE, &["bad"], read_or_panic)
        .unwrap();
    registry.observe_gauge(&SIZE, &["good"], || 3.0).unwrap();
    registry.counter(&HITS, &["good"]).unwrap().increment();
    let others = [
        series("registry_hits_total/good", 1.0),
        series("registry_size/good", 3.0),
    ];
    for failures in 1..=2 {
        assert_eq!(read(&registry), others);
        assert_eq!(registry.failed_callbacks(), failures);
    }
    FAILS.store(false, Ordering::Relaxed);
    assert!(read(&registry).contains(&series("registry_size/bad", 7.0)));
}

#[test]
fn a_counters_callback_that_reads_what_is_no_sum_is_left_out_and_counted() {
    let registry = Registry::new();
    let before = tta_core::refused_measurements();
    registry
        .observe_counter(&HITS, &["nan"], || f64::NAN)
        .unwrap();
    registry.observe_gauge(&SIZE, &["low"], || -1.0).unwrap();
    registry.observe_counter(&HITS, &["low"], || -1.0).unwrap();
    registry
        .observe_counter(&HITS, &["inf"], || f64::INFINITY)
        .unwrap();
    assert_eq!(read(&registry), [series("registry_size/low", -1.0)]);
    assert!(tta_core::refused_measurements() >= before + 3);
}

#[test]
fn a_callback_may_use_the_registry_it_is_read_by() {
    static REGISTRY: std::sync::LazyLock<Registry> = std::sync::LazyLock::new(Registry::new);
    let count = || {
        REGISTRY
            .counter(&HITS, &["x"])
            .map_or(-1.0, |it| it.total())
    };
    REGISTRY.observe_gauge(&SIZE, &["x"], count).unwrap();
    assert!(read(&REGISTRY).contains(&series("registry_size/x", 0.0)));
}

#[test]
fn names_that_prometheus_would_refuse_are_refused_here() {
    static SPACE: MetricSpec = MetricSpec::counter("has space", Unit::One, "h");
    static DIGIT: MetricSpec = MetricSpec::counter("1st", Unit::One, "h");
    static LABEL: MetricSpec = MetricSpec::counter("ok_total", Unit::One, "h").labels(&["__x"]);
    let registry = Registry::new();
    for (spec, labels) in [(&SPACE, &[][..]), (&DIGIT, &[]), (&LABEL, &["v"])] {
        let error = registry.counter(spec, labels).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{}", spec.name);
    }
}

#[test]
fn a_metric_asked_for_as_something_else_is_refused() {
    static TWIN: MetricSpec = MetricSpec::counter("registry_hits_total", Unit::Bytes, "other");
    let registry = Registry::new();
    registry.counter(&HITS, &["a"]).unwrap();
    for error in [
        registry.gauge(&HITS, &["a"]).unwrap_err(),
        registry.counter(&HITS, &[]).unwrap_err(),
        registry.counter(&HITS, &["a", "b"]).unwrap_err(),
        registry.counter(&TWIN, &[]).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    }
}
