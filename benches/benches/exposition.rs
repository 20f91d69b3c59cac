//! What a page of metrics costs: 1,000 and 10,000 histograms of twelve bounds and two labels, beside
//! the libraries that programs in Rust show theirs with, as text and compressed.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has nothing to report"
)]

use std::hint::black_box;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use prometheus::{Encoder as _, HistogramOpts, HistogramVec, TextEncoder};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit as ClientUnit;
use tta_benches::{Group, Options, Report};
use tta_core::{MetricSpec, Unit};
use tta_telemetry::exposition::{ExpositionFormat, ExpositionOptions, PrometheusExposition};

/// Twelve, as the durations of steps have.
const BOUNDS: &[f64] = &[
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];
const VALUES: [f64; 4] = [0.003, 0.07, 0.4, 7.0];

static OURS: MetricSpec = MetricSpec::histogram("bench_wait_seconds", Unit::Seconds, "Waits.")
    .labels(&["route", "method"])
    .bounds(BOUNDS);

fn labels(index: usize) -> [String; 2] {
    [format!("/v1/route/{index}"), "GET".to_owned()]
}

type ClientLabels = Vec<(String, String)>;

/// The same series in every library.
struct Pages {
    ours: PrometheusExposition,
    client: prometheus_client::registry::Registry,
    prometheus: prometheus::Registry,
    facade: PrometheusHandle,
}

impl Pages {
    /// Ours are the process's, so that a number must not be less than that of the call before.
    fn of(series: usize) -> Self {
        let client_family = Family::<ClientLabels, Histogram>::new_with_constructor(|| {
            Histogram::new(BOUNDS.iter().copied())
        });
        let mut client = prometheus_client::registry::Registry::default();
        client.register_with_unit(
            "bench_wait",
            "Waits",
            ClientUnit::Seconds,
            client_family.clone(),
        );
        let options = HistogramOpts::new("bench_wait_seconds", "Waits.").buckets(BOUNDS.to_vec());
        let vector = HistogramVec::new(options, &["route", "method"]).unwrap();
        let prometheus = prometheus::Registry::new();
        prometheus.register(Box::new(vector.clone())).unwrap();
        let recorder = PrometheusBuilder::new()
            .set_buckets(BOUNDS)
            .unwrap()
            .build_recorder();
        let facade = recorder.handle();
        tta_core::registry().set_label_limit(series + 100);
        for index in 0..series {
            let [route, method] = labels(index);
            let ours = tta_core::registry()
                .histogram(&OURS, &[&route, &method])
                .unwrap();
            let pairs = vec![
                ("route".to_owned(), route.clone()),
                ("method".to_owned(), method.clone()),
            ];
            let client = client_family.get_or_create_owned(&pairs);
            let prometheus = vector.with_label_values(&[&route, &method]);
            let facade = metrics::with_local_recorder(
                &recorder,
                || metrics::histogram!("bench_wait_seconds", "route" => route, "method" => method),
            );
            for value in VALUES {
                ours.record_value(value);
                client.observe(value);
                prometheus.observe(value);
                facade.record(value);
            }
        }
        // What it has gathered is sorted into buckets once, and not in each round.
        facade.run_upkeep();
        Self {
            ours: PrometheusExposition::new(ExpositionOptions::default()),
            client,
            prometheus,
            facade,
        }
    }

    /// As the server does it: ours piece by piece, the others' whole.
    fn render(&self, who: &str) -> Vec<u8> {
        match who {
            "tta" => {
                let pieces = self.ours.pieces(ExpositionFormat::OpenMetrics);
                pieces.map(black_box).last().unwrap_or_default()
            }
            "prometheus-client" => {
                let mut page = String::new();
                encode(&mut page, &self.client).unwrap();
                page.into_bytes()
            }
            "prometheus" => {
                let mut page = Vec::new();
                let families = self.prometheus.gather();
                TextEncoder::new().encode(&families, &mut page).unwrap();
                page
            }
            _ => self.facade.render().into_bytes(),
        }
    }

    /// As the server does it: ours piece by piece, the others' when they are whole.
    fn render_compressed(&self, who: &str) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        if who == "tta" {
            for piece in self.ours.pieces(ExpositionFormat::OpenMetrics) {
                gzip.write_all(&piece).unwrap();
            }
        } else {
            gzip.write_all(&self.render(who)).unwrap();
        }
        gzip.finish().unwrap()
    }
}

const WHO: [&str; 4] = [
    "tta",
    "prometheus-client",
    "prometheus",
    "metrics-exporter-prometheus",
];

fn main() {
    let options = Options::from_args();
    let mut report = Report::new("exposition", options.clone());
    for (series, rounds) in [(1_000, 31), (10_000, 9)] {
        let pages = Pages::of(series);
        let mut group = Group::without_floor("exposition", options.clone());
        group.at_most(rounds);
        for who in WHO {
            let pages = &pages;
            group.bench(&format!("{who}, {series}"), move |b| {
                b.iter(|| pages.render(who));
            });
            group.bench(&format!("{who}, {series}, gzip"), move |b| {
                b.iter(|| pages.render_compressed(who));
            });
        }
        report.absorb(group.measured());
    }
    report.finish();
}
