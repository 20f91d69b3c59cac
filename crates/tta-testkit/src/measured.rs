//! What the process has measured, for tests to look at.

use tta_core::{SampleValue, registry};

/// The value of one series: a counter's sum, a gauge's value, the number of values of a histogram.
///
/// # Panics
///
/// If there is no such series.
#[track_caller]
pub fn measured(metric: &str, labels: &[&str]) -> f64 {
    let families = registry().gather();
    let samples = families
        .iter()
        .filter(|family| family.spec.name == metric)
        .flat_map(|family| &family.samples);
    let Some(sample) = samples.clone().find(|sample| sample.labels == labels) else {
        let all: Vec<_> = samples.map(|sample| &sample.labels).collect();
        panic!("no series {metric}{labels:?} among {all:?}");
    };
    match &sample.value {
        SampleValue::Counter(total, _) => *total,
        SampleValue::Gauge(value) => *value,
        SampleValue::Histogram { buckets, .. } => {
            buckets.iter().map(|bucket| bucket.count).sum::<u64>() as f64
        }
        other => panic!("{metric} is a kind of metric unknown here: {other:?}"),
    }
}
