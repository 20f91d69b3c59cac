//! How metrics are served, how they go over OTLP, and their examples.

use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, metric};
use tta_testkit::otlp::{Reply, Signal, opentelemetry_proto};

use crate::resource::line;
use crate::row::{Row, Seen};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        // To Prometheus alone by default.
        Row::new(&[("OTEL_METRICS_EXPORTER", "")]).sees(|seen| {
            assert!(seen.text_page.contains("primitive_executions_total"));
            assert_eq!(seen.receiver.metrics().len(), 0);
        }),
        Row::new(&[("OTEL_METRICS_EXPORTER", "otlp")]).sees(|seen| {
            assert_eq!(seen.url, None);
            assert_eq!(seen.metrics("primitive_executions_total").len(), 1);
        }),
        Row::new(&[("OTEL_METRICS_EXPORTER", "none")]).sees(|seen| {
            assert_eq!(seen.url, None);
            assert_eq!(seen.receiver.metrics().len(), 0);
        }),
        Row::new(&[
            ("OTEL_METRICS_EXPORTER", "prometheus,otlp"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "50"),
        ])
        .until(|seen| requests(seen) >= 3)
        .sees(|_| ()),
        Row::new(&[("OTEL_METRIC_EXPORT_INTERVAL", "0")])
            .sees(|seen| assert_eq!(seen.count("setting_ignored"), 1)),
        Row::new(&[
            ("OTEL_METRICS_EXPORTER", "prometheus,otlp"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "50"),
            ("OTEL_METRIC_EXPORT_TIMEOUT", "40"),
            ("TTA_SHUTDOWN_TIMEOUT", "100"),
        ])
        .replying(Reply::Hang)
        .until(|seen| seen.health.contains("no answer within 40 ms"))
        .sees(|_| ()),
        temporality("", AggregationTemporality::Cumulative),
        temporality("Delta", AggregationTemporality::Delta),
        temporality("lowmemory", AggregationTemporality::Delta),
        examples("", "always_on", true),
        examples("trace_based", "always_off", false),
        examples("always_on", "always_off", true),
        examples("always_off", "always_on", false),
        Row::new(&[("OTEL_METRICS_EXEMPLAR_FILTER", "some")])
            .sees(|seen| assert_eq!(seen.count("setting_ignored"), 1)),
        host("OTEL_EXPORTER_PROMETHEUS_HOST"),
        host("PROMETHEUS_HOST"),
        Row::new(&[("OTEL_EXPORTER_PROMETHEUS_PORT", "{port}")])
            .sees(|seen| assert!(seen.url.is_some(), "{}", seen.output())),
        Row::new(&[
            ("OTEL_EXPORTER_PROMETHEUS_PORT", ""),
            ("PROMETHEUS_PORT", "0"),
        ])
        .sees(|seen| assert!(!seen.url.as_deref().unwrap().contains(":9464/"))),
        Row::new(&[
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "70000"),
            ("PROMETHEUS_PORT", "0"),
        ])
        .sees(|seen| {
            assert_eq!(seen.count("setting_ignored"), 1);
            assert!(seen.url.is_some());
        }),
        Row::new(&[("TTA_METRIC_ALIASES", "True")]).sees(|seen| {
            line(
                &seen.text_page,
                "primitive_duration_seconds_count{primitive_name=\"work\"",
            );
        }),
        Row::new(&[("TTA_METRIC_ALIASES", "yes")]).sees(|seen| {
            assert_eq!(seen.count("setting_ignored"), 1);
            assert!(!seen.text_page.contains("primitive_name="));
        }),
        Row::new(&[("TTA_LABEL_LIMIT", "2")]).sees(|seen| {
            let overflow = line(
                &seen.text_page,
                "greetings_total{language=\"__overflow__\"}",
            );
            assert!(overflow.ends_with(" 3"), "{overflow}");
        }),
    ]
}

fn requests(seen: &Seen) -> usize {
    let requests = seen.receiver.requests();
    requests
        .iter()
        .filter(|request| request.signal() == Signal::Metrics)
        .count()
}

fn temporality(value: &str, expected: AggregationTemporality) -> Row {
    Row::new(&[
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", value),
        ("OTEL_METRICS_EXPORTER", "otlp"),
    ])
    .sees(move |seen| {
        let sums = seen.metrics("primitive_executions_total");
        for metric in sums {
            match metric.metric.data {
                Some(metric::Data::Sum(sum)) => {
                    assert_eq!(sum.aggregation_temporality, i32::from(expected));
                }
                other => panic!("{other:?} is no sum"),
            }
        }
    })
}

/// Whether there are examples, at both ends, under a filter and a sampler.
fn examples(filter: &str, sampler: &str, are_there: bool) -> Row {
    Row::new(&[
        ("OTEL_METRICS_EXEMPLAR_FILTER", filter),
        ("OTEL_TRACES_SAMPLER", sampler),
        ("OTEL_METRICS_EXPORTER", "prometheus,otlp"),
    ])
    .sees(move |seen| {
        let at_scrape = seen.open_page.contains("# {trace_id=\"");
        assert_eq!(at_scrape, are_there, "{}", seen.open_page);
        let durations = seen.metrics("primitive_execution_duration_seconds");
        assert!(!durations.is_empty());
        let over_otlp = durations.iter().any(|metric| match &metric.metric.data {
            Some(metric::Data::Histogram(histogram)) => histogram
                .data_points
                .iter()
                .any(|point| !point.exemplars.is_empty()),
            _ => false,
        });
        assert_eq!(over_otlp, are_there);
        // A span that is not recorded is none, and is not named.
        assert!(!seen.open_page.contains("span_id=\"0000000000000000\""));
    })
}

fn host(variable: &str) -> Row {
    Row::new(&[(variable, "127.0.0.2")]).sees(|seen| {
        let url = seen.url.as_deref().unwrap();
        assert!(url.starts_with("http://127.0.0.2:"), "{url}");
    })
}
