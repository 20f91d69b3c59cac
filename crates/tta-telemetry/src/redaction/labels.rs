//! Metrics whose labels say nothing that must not leave the process, with sums as they were.

#[cfg(feature = "otlp")]
use std::collections::HashMap;

use tta_core::{BucketCount, SampleValue};
#[cfg(feature = "otlp")]
use tta_core::{MetricFamily, MetricSample};

#[cfg(feature = "otlp")]
use super::redactor::{Place, Redactor};

/// Takes out of the labels what must not leave the process. Series that are then the same become
/// one, so that totals stay exact and no series comes twice.
#[cfg(feature = "otlp")]
pub(crate) fn redact_families(families: &mut [MetricFamily], redactor: &Redactor) {
    for family in families {
        let mut is_changed = false;
        for sample in &mut family.samples {
            for (key, value) in family.spec.labels.iter().zip(&mut sample.labels) {
                if let Some(text) = redactor.text(Place::Metric, key, value).text() {
                    *value = text;
                    is_changed = true;
                }
            }
        }
        if is_changed {
            merge(&mut family.samples);
        }
    }
}

#[cfg(feature = "otlp")]
fn merge(samples: &mut Vec<MetricSample>) {
    let mut places: HashMap<Vec<String>, usize> = HashMap::with_capacity(samples.len());
    let mut merged: Vec<MetricSample> = Vec::with_capacity(samples.len());
    for sample in samples.drain(..) {
        let first = places.get(&sample.labels);
        if let Some(first) = first.and_then(|place| merged.get_mut(*place)) {
            add_value(&mut first.value, sample.value);
        } else {
            places.insert(sample.labels.clone(), merged.len());
            merged.push(sample);
        }
    }
    *samples = merged;
}

/// Adds what another series reads, whose labels have become the same.
pub(crate) fn add_value(to: &mut SampleValue, value: SampleValue) {
    match (to, value) {
        (SampleValue::Counter(total, exemplar), SampleValue::Counter(more, other)) => {
            *total += more;
            *exemplar = exemplar.or(other);
        }
        // What is in flight or in memory adds up; of a ratio the sum says at least that it is odd.
        (SampleValue::Gauge(value), SampleValue::Gauge(more)) => *value += more,
        (
            SampleValue::Histogram { sum, buckets },
            SampleValue::Histogram {
                sum: more,
                buckets: others,
            },
        ) => {
            *sum += more;
            for (bucket, other) in buckets.iter_mut().zip(others) {
                add_bucket(bucket, other);
            }
        }
        // Series of one metric are of one kind.
        _ => {}
    }
}

fn add_bucket(to: &mut BucketCount, other: BucketCount) {
    to.count += other.count;
    to.exemplar = to.exemplar.or(other.exemplar);
}
