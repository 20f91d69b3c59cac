//! Metrics to Prometheus and over OTLP at once.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use tta_testkit::otlp::opentelemetry_proto;

use crate::row::{Row, Seen};

#[test]
fn what_prometheus_scrapes_and_what_otlp_brings_are_the_same_totals() {
    let row = Row::new(&[("OTEL_METRICS_EXPORTER", "prometheus,otlp")]);
    row.sees(|seen| {
        for family in [
            "primitive_executions_total",
            "workflow_executions_total",
            "greetings_total",
        ] {
            let (scraped, brought) = (scraped(&seen.text_page, family), brought(seen, family));
            assert!(!scraped.is_empty(), "{family}");
            assert_eq!(scraped, brought, "{family}");
        }
        let counted: f64 = scraped(&seen.text_page, "primitive_executions_total")
            .values()
            .sum();
        assert!((counted - 41.0).abs() < f64::EPSILON, "{counted}");
        let durations = "primitive_execution_duration_seconds";
        let counts = scraped(&seen.text_page, &format!("{durations}_count"));
        assert_eq!(counts, brought(seen, durations));
    })
    .check();
}

type Totals = BTreeMap<BTreeMap<String, String>, f64>;

/// The values of a family on a page, by their labels; those that are zero are not there.
fn scraped(page: &str, family: &str) -> Totals {
    let lines = page.lines().filter_map(|line| {
        let (labels, value) = line
            .strip_prefix(family)?
            .strip_prefix('{')?
            .split_once("} ")?;
        let labels = labels.split(',').filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((name.to_owned(), value.trim_matches('"').to_owned()))
        });
        Some((labels.collect(), value.parse().ok()?))
    });
    lines.filter(|(_, value)| *value != 0.0).collect()
}

/// The same of what OTLP brought; of histograms the counts.
fn brought(seen: &Seen, family: &str) -> Totals {
    let mut totals = Totals::new();
    for metric in seen.metrics(family) {
        match metric.metric.data {
            Some(metric::Data::Sum(sum)) => {
                for point in sum.data_points {
                    if let Some(number_data_point::Value::AsDouble(value)) = point.value {
                        totals.insert(labels(&point.attributes), value);
                    }
                }
            }
            Some(metric::Data::Histogram(histogram)) => {
                for point in histogram.data_points {
                    totals.insert(labels(&point.attributes), point.count as f64);
                }
            }
            other => panic!("{other:?}"),
        }
    }
    totals.retain(|_, value| *value != 0.0);
    totals
}

fn labels(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let pairs = attributes.iter().map(|attribute| {
        let value = attribute.value.as_ref().and_then(|any| any.value.as_ref());
        match value {
            Some(Value::StringValue(text)) => (attribute.key.clone(), text.clone()),
            other => panic!("{other:?}"),
        }
    });
    pairs.collect()
}
