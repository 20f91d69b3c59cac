//! One value into a histogram with labels: through a handle, and through a look-up of the labels, on
//! one thread and on two that record into the same series.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has nothing to report"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram as ClientHistogram;
use tta_benches::{Bencher, Group};
use tta_core::{DURATION_BOUNDS, MetricSpec, Registry, Unit};

fn main() {
    let mut group = Group::new("histogram");
    ours(&mut group);
    prometheus_client(&mut group);
    prometheus(&mut group);
    metrics(&mut group);
    opentelemetry_sdk(&mut group);
    group.finish();
}

static SPEC: MetricSpec =
    MetricSpec::histogram("bench_duration_seconds", Unit::Seconds, "Of a benchmark.")
        .labels(&["model", "outcome"]);

fn ours(group: &mut Group<'_>) {
    let registry = Arc::new(Registry::new());
    let handle = registry.histogram(&SPEC, &LABELS).unwrap();
    group.bench_threads("tta, handle", move |b| {
        b.iter(|| handle.record(black_box(VALUE)));
    });
    group.bench_threads("tta, look-up", move |b| {
        b.iter(|| {
            let histogram = registry.histogram(&SPEC, &black_box(LABELS)).unwrap();
            histogram.record(black_box(VALUE));
        });
    });
}

fn prometheus_client(group: &mut Group<'_>) {
    let new = || ClientHistogram::new(DURATION_BOUNDS.iter().copied());
    let family = Family::<Vec<(String, String)>, ClientHistogram>::new_with_constructor(new);
    let labels = || vec![pair("model", "small"), pair("outcome", "success")];
    let handle = family.get_or_create(&labels()).clone();
    group.bench_threads("prometheus-client, handle", move |b: &mut Bencher<'_>| {
        b.iter(|| handle.observe(black_box(VALUE).as_secs_f64()));
    });
    group.bench_threads("prometheus-client, look-up", move |b: &mut Bencher<'_>| {
        // The key is kept: what is measured is the look-up, not the making of strings.
        let labels = labels();
        b.iter(|| {
            let histogram = family.get_or_create(black_box(&labels));
            histogram.observe(black_box(VALUE).as_secs_f64());
        });
    });
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn prometheus(group: &mut Group<'_>) {
    let options = prometheus::HistogramOpts::new("bench_duration_seconds", "Of a benchmark.")
        .buckets(DURATION_BOUNDS.to_vec());
    let family = prometheus::HistogramVec::new(options, &["model", "outcome"]).unwrap();
    let handle = family.with_label_values(&LABELS);
    group.bench_threads("prometheus, handle", move |b| {
        b.iter(|| handle.observe(black_box(VALUE).as_secs_f64()));
    });
    group.bench_threads("prometheus, look-up", move |b| {
        b.iter(|| {
            let histogram = family.with_label_values(&black_box(LABELS));
            histogram.observe(black_box(VALUE).as_secs_f64());
        });
    });
}

fn metrics(group: &mut Group<'_>) {
    let recorder = PrometheusBuilder::new()
        .set_buckets(DURATION_BOUNDS)
        .unwrap()
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).unwrap();
    // Its buffer grows until somebody empties it; the exporter's own thread does so now and then.
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_millis(200));
            handle.run_upkeep();
        }
    });
    group.bench_threads("metrics, macro", |b: &mut Bencher<'_>| {
        b.iter(|| {
            metrics::histogram!(
                "bench_duration_seconds", "model" => "small", "outcome" => "success"
            )
            .record(black_box(VALUE));
        });
    });
}

fn opentelemetry_sdk(group: &mut Group<'_>) {
    let provider = SdkMeterProvider::builder()
        .with_reader(PeriodicReader::builder(MetricsNowhere).build())
        .build();
    let meter = provider.meter("bench");
    let histogram = meter
        .f64_histogram("bench_duration_seconds")
        .with_boundaries(DURATION_BOUNDS.to_vec())
        .build();
    group.bench_threads("opentelemetry_sdk", move |b| {
        // It stops with its provider.
        let _provider = &provider;
        b.iter(|| {
            let labels = [
                KeyValue::new("model", "small"),
                KeyValue::new("outcome", "success"),
            ];
            histogram.record(black_box(VALUE).as_secs_f64(), &labels);
        });
    });
}

/// An exporter that takes everything and drops it.
struct MetricsNowhere;

impl PushMetricExporter for MetricsNowhere {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        black_box(metrics);
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

const LABELS: [&str; 2] = ["small", "success"];
const VALUE: Duration = Duration::from_micros(730);
