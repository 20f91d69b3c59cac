//! What the instruments of a registry read at one moment.

use super::exemplar::Exemplar;
use crate::catalog::MetricSpec;

/// One metric with all its series.
#[derive(Clone, Debug)]
pub struct MetricFamily {
    /// What the metric is.
    pub spec: &'static MetricSpec,
    /// Its series.
    pub samples: Vec<MetricSample>,
}

/// One series of a metric.
#[derive(Clone, Debug)]
pub struct MetricSample {
    /// The values of the labels, in the order of [`MetricSpec::labels`].
    pub labels: Vec<String>,
    /// What it reads.
    pub value: SampleValue,
}

/// What a series reads, in the metric's unit.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SampleValue {
    /// The sum of a counter, with the latest example.
    Counter(f64, Option<Exemplar>),
    /// The value of a gauge.
    Gauge(f64),
    /// A distribution.
    Histogram {
        /// The sum of all values.
        sum: f64,
        /// The exported buckets in ascending order; the last has no upper bound.
        buckets: Vec<BucketCount>,
    },
}

/// One bucket of a histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BucketCount {
    /// The largest value that belongs to it.
    pub upper: f64,
    /// How many values fell into this bucket alone.
    pub count: u64,
    /// The latest example of them.
    pub exemplar: Option<Exemplar>,
}
