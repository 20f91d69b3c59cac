//! From what the instruments read to points, since the start or since the last time.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tta_core::{BucketCount, Exemplar, MetricFamily, MetricKind, SampleValue};

use super::points::{Point, Points, Value};
use crate::export::Pushed;
use crate::settings::Temporality;

/// Makes points, and for differences remembers what was read last.
#[derive(Debug)]
pub(super) struct Collector {
    preference: Temporality,
    /// Since when sums count.
    start_unix_nanos: u64,
    /// What was read last, for differences alone.
    last: Last,
    last_unix_nanos: u64,
}

type Last = HashMap<(&'static str, Vec<String>), Reading>;

#[derive(Clone, Debug)]
enum Reading {
    Sum(f64),
    Histogram { sum: f64, counts: Vec<u64> },
}

impl Collector {
    pub(super) fn new(preference: Temporality) -> Self {
        let now = unix_nanos();
        Self {
            preference,
            start_unix_nanos: now,
            last: HashMap::new(),
            last_unix_nanos: now,
        }
    }

    /// Hands on what was read. Differences that are not taken are part of the next ones.
    pub(super) fn collect(
        &mut self,
        families: &[MetricFamily],
        push: impl FnOnce(Points) -> Pushed,
    ) {
        let now = unix_nanos();
        // A difference is of the time since the last one, and so are its examples.
        let since = UNIX_EPOCH + Duration::from_nanos(self.last_unix_nanos);
        let is_new = |exemplar: &Exemplar, is_delta: bool| !is_delta || exemplar.at >= since;
        let mut readings = Last::new();
        let mut points = Vec::new();
        for family in families {
            let spec = family.spec;
            let is_delta = self.preference.is_delta_for(spec.kind);
            let temporality = if is_delta {
                Temporality::Delta
            } else {
                Temporality::Cumulative
            };
            for sample in &family.samples {
                let key = (spec.name, sample.labels.clone());
                let before = if is_delta { self.last.get(&key) } else { None };
                let value = match &sample.value {
                    SampleValue::Counter(total, exemplar) => {
                        let seen = match before {
                            Some(Reading::Sum(seen)) => *seen,
                            _ => 0.0,
                        };
                        if is_delta {
                            readings.insert(key, Reading::Sum(*total));
                        }
                        Value::Sum {
                            // A counter that a callback reads may begin anew.
                            value: if *total < seen { *total } else { total - seen },
                            temporality,
                            exemplar: exemplar.filter(|it| is_new(it, is_delta)),
                        }
                    }
                    SampleValue::Histogram { sum, buckets } => {
                        let mut buckets = buckets.clone();
                        for bucket in &mut buckets {
                            bucket.exemplar = bucket.exemplar.filter(|it| is_new(it, is_delta));
                        }
                        let counts = buckets.iter().map(|bucket| bucket.count).collect();
                        let value = histogram(*sum, buckets, before, temporality);
                        if is_delta {
                            readings.insert(key, Reading::Histogram { sum: *sum, counts });
                        }
                        value
                    }
                    SampleValue::Gauge(value) => Value::Gauge(*value),
                    // A shape that a later core may add.
                    _ => continue,
                };
                points.push(Point {
                    spec,
                    labels: sample.labels.clone(),
                    start_unix_nanos: if is_delta {
                        self.last_unix_nanos
                    } else {
                        self.start_unix_nanos
                    },
                    unix_nanos: now,
                    value,
                });
            }
        }
        if points.is_empty() || push(Points { points }) == Pushed::Taken {
            self.last = readings;
            self.last_unix_nanos = now;
        }
    }
}

impl Temporality {
    /// Whether a metric of this kind is sent as differences.
    fn is_delta_for(self, kind: MetricKind) -> bool {
        let can_be = matches!(kind, MetricKind::Counter | MetricKind::Histogram);
        can_be && self != Self::Cumulative
    }
}

fn histogram(
    sum: f64,
    mut buckets: Vec<BucketCount>,
    before: Option<&Reading>,
    temporality: Temporality,
) -> Value {
    let mut sum = sum;
    if let Some(Reading::Histogram { sum: seen, counts }) = before {
        sum -= seen;
        for (bucket, seen) in buckets.iter_mut().zip(counts) {
            bucket.count = bucket.count.saturating_sub(*seen);
        }
    }
    Value::Histogram {
        sum,
        buckets,
        temporality,
    }
}

fn unix_nanos() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
