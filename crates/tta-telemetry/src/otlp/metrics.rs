//! From points to the messages of OTLP.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar as ExemplarMessage, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, exemplar, metric,
    number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use tta_core::{BucketCount, Exemplar};

use super::common::{any, unix_nanos};
use crate::measurements::{Point, Value};
use crate::settings::Temporality;

/// The request that carries these points, as bytes.
pub(crate) fn encode_points(batch: &[Point], resource: &Resource) -> Vec<u8> {
    let mut metrics: Vec<Metric> = Vec::new();
    for point in batch {
        // Points of one metric come together.
        if metrics
            .last()
            .is_none_or(|last| last.name != point.spec.name)
        {
            metrics.push(Metric {
                name: point.spec.name.to_owned(),
                description: point.spec.help.to_owned(),
                unit: point.spec.unit.symbol().to_owned(),
                data: Some(empty(point)),
                ..Metric::default()
            });
        }
        if let Some(data) = metrics.last_mut().and_then(|metric| metric.data.as_mut()) {
            add(data, point);
        }
    }
    let scope = InstrumentationScope {
        name: "tta".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource.clone()),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope),
                metrics,
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    };
    request.encode_to_vec()
}

fn empty(point: &Point) -> metric::Data {
    let temporality = |temporality: &Temporality| match temporality {
        Temporality::Cumulative => AggregationTemporality::Cumulative.into(),
        Temporality::Delta | Temporality::LowMemory => AggregationTemporality::Delta.into(),
    };
    match &point.value {
        Value::Gauge(_) => metric::Data::Gauge(Gauge::default()),
        Value::Sum {
            temporality: own, ..
        } => metric::Data::Sum(Sum {
            data_points: Vec::new(),
            aggregation_temporality: temporality(own),
            is_monotonic: true,
        }),
        Value::Histogram {
            temporality: own, ..
        } => metric::Data::Histogram(Histogram {
            data_points: Vec::new(),
            aggregation_temporality: temporality(own),
        }),
    }
}

fn add(data: &mut metric::Data, point: &Point) {
    match (data, &point.value) {
        (metric::Data::Gauge(gauge), Value::Gauge(value)) => {
            gauge.data_points.push(number(point, *value, None));
        }
        (
            metric::Data::Sum(sum),
            Value::Sum {
                value, exemplar, ..
            },
        ) => {
            sum.data_points.push(number(point, *value, *exemplar));
        }
        (metric::Data::Histogram(histogram), Value::Histogram { sum, buckets, .. }) => {
            histogram
                .data_points
                .push(distribution(point, *sum, buckets));
        }
        // Points of one metric are of one kind.
        _ => {}
    }
}

fn number(point: &Point, value: f64, exemplar: Option<Exemplar>) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(point),
        start_time_unix_nano: point.start_unix_nanos,
        time_unix_nano: point.unix_nanos,
        exemplars: exemplar.iter().map(example).collect(),
        flags: 0,
        value: Some(number_data_point::Value::AsDouble(value)),
    }
}

fn distribution(point: &Point, sum: f64, buckets: &[BucketCount]) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: attributes(point),
        start_time_unix_nano: point.start_unix_nanos,
        time_unix_nano: point.unix_nanos,
        count: buckets.iter().map(|bucket| bucket.count).sum(),
        sum: Some(sum),
        bucket_counts: buckets.iter().map(|bucket| bucket.count).collect(),
        // The last bucket has no bound.
        explicit_bounds: buckets
            .iter()
            .map(|bucket| bucket.upper)
            .filter(|upper| upper.is_finite())
            .collect(),
        exemplars: buckets
            .iter()
            .filter_map(|bucket| bucket.exemplar.as_ref())
            .map(example)
            .collect(),
        flags: 0,
        min: None,
        max: None,
    }
}

fn example(of: &Exemplar) -> ExemplarMessage {
    ExemplarMessage {
        filtered_attributes: Vec::new(),
        time_unix_nano: unix_nanos(of.at),
        // An example of a trace that is not recorded has no span.
        span_id: if of.span_id.is_valid() {
            of.span_id.to_u64().to_be_bytes().to_vec()
        } else {
            Vec::new()
        },
        trace_id: of.trace_id.to_u128().to_be_bytes().to_vec(),
        value: Some(exemplar::Value::AsDouble(of.value)),
    }
}

fn attributes(point: &Point) -> Vec<KeyValue> {
    let pairs = point.spec.labels.iter().zip(&point.labels);
    pairs
        .map(|(key, value)| KeyValue {
            key: (*key).to_owned(),
            value: Some(any(any_value::Value::StringValue(value.clone()))),
            ..KeyValue::default()
        })
        .collect()
}
