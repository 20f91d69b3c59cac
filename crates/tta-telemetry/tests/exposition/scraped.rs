//! A real Prometheus scrapes the page from the real server.

use std::time::Duration;

use tta_core::{MetricSpec, Unit, registry};
use tta_metrics_server::MetricsServer;
use tta_telemetry::exposition::{ExpositionOptions, PrometheusExposition};
use tta_testkit::recording::RecordingRecorder;
use tta_testkit::require;
use tta_testkit::servers::{PrometheusOptions, PrometheusServer};

use crate::own::declared;

#[test]
fn prometheus_reads_values_types_exemplars_and_aliases() {
    let waits = declared(
        MetricSpec::histogram("scraped_wait_seconds", Unit::Seconds, "Waits.")
            .bounds(&[0.1, 1.0])
            .labels(&["primitive", "text"])
            .aliases(&["scraped_waiting_seconds"]),
    );
    let saved = declared(
        MetricSpec::counter("scraped_saved_usd_total", Unit::UsDollars, "Savings.")
            .labels(&["primitive"])
            .aliases(&["scraped_saved_usd"]),
    );
    let calls = declared(MetricSpec::counter(
        "scraped_calls_total",
        Unit::One,
        "Calls.",
    ));
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    let hostile = "a \"b\"\n\\ \u{0}\u{7f} é";
    let histogram = registry().histogram(waits, &["cache", hostile]).unwrap();
    histogram.record_in(Duration::from_millis(500), &ctx);
    histogram.record(Duration::from_secs(3));
    registry().counter(saved, &["cache"]).unwrap().add(0.125);
    registry().counter(calls, &[]).unwrap().increment_in(&ctx);

    let exposition = PrometheusExposition::new(ExpositionOptions {
        target_info: vec![("service.name".to_owned(), "shop".to_owned())],
        aliases: true,
        ..ExpositionOptions::default()
    });
    let server = MetricsServer::new(exposition).with_port(0).start().unwrap();
    let options = PrometheusOptions::default().with_exemplar_storage();
    let prometheus = require!(PrometheusServer::start(&[server.local_addr()], &options));
    prometheus.wait_for_scrape(Duration::from_secs(20)).unwrap();

    let one = |promql: &str| {
        let found = prometheus.query(promql).unwrap();
        assert_eq!(found.len(), 1, "{promql}: {found:?}");
        found.into_iter().next().unwrap()
    };
    let (labels, value) = one("scraped_wait_seconds_bucket{le=\"1.0\"}");
    assert_eq!((labels["text"].as_str(), value), (hostile, 1.0));
    assert_eq!(
        one("scraped_wait_seconds_count{primitive=\"cache\"}").1,
        2.0
    );
    assert_eq!(
        one("scraped_waiting_seconds_sum{primitive_name=\"cache\"}").1,
        3.5
    );
    assert_eq!(one("scraped_saved_usd{primitive_name=\"cache\"}").1, 0.125);
    assert_eq!(one("scraped_saved_usd_total{primitive=\"cache\"}").1, 0.125);
    assert_eq!(one("target_info").0["service_name"], "shop");

    for series in ["scraped_wait_seconds_bucket", "scraped_calls_total"] {
        let exemplars = prometheus.query_exemplars(series).unwrap();
        let found = exemplars
            .iter()
            .find(|exemplar| exemplar.labels.get("trace_id") == Some(&ctx.trace_id().to_string()));
        assert!(found.is_some(), "{series}: {exemplars:?}");
    }
    server.shutdown(Duration::from_secs(1));
}
