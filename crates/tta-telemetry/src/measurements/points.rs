//! One value of one series at one moment.

use std::mem::size_of;
use std::sync::Mutex;

use tta_core::{BucketCount, Exemplar, MetricSpec};

use crate::export::{Accounts, Outgoing, Signal, Waiting};
use crate::otlp;
use crate::redaction::Redactor;
use crate::settings::Temporality;

/// The signal of metrics; what waits is one reading of all instruments.
#[derive(Debug)]
pub(crate) struct Points {
    pub(crate) points: Vec<Point>,
}

/// One value of one series at one moment.
#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) spec: &'static MetricSpec,
    /// In the order of the metric's labels.
    pub(crate) labels: Vec<String>,
    /// Since when it counts, and when it was read.
    pub(crate) start_unix_nanos: u64,
    pub(crate) unix_nanos: u64,
    pub(crate) value: Value,
}

/// What was read.
#[derive(Debug)]
pub(crate) enum Value {
    Gauge(f64),
    Sum {
        value: f64,
        temporality: Temporality,
        exemplar: Option<Exemplar>,
    },
    Histogram {
        sum: f64,
        buckets: Vec<BucketCount>,
        temporality: Temporality,
    },
}

impl Signal for Points {
    const NAME: &'static str = "metrics";
    /// Those that are served are a part of their own.
    const PART: &'static str = "metrics_otlp";
    type Waiting = Self;

    fn accounts() -> &'static Mutex<Accounts<Self>> {
        &ACCOUNTS
    }
}

impl Outgoing for Point {
    type Waiting = Points;

    fn bytes(&self) -> usize {
        otlp::point_bytes(self)
    }

    /// Labels were redacted when they were read, where series that become the same can be joined.
    fn prepare(waiting: Points, _redactor: &Redactor, into: &mut Vec<Self>) {
        into.extend(waiting.points);
    }
}

impl Waiting for Points {
    fn count(&self) -> usize {
        self.points.len()
    }

    fn bytes(&self) -> usize {
        self.points.iter().map(point_bytes).sum()
    }
}

fn point_bytes(point: &Point) -> usize {
    let labels: usize = point
        .labels
        .iter()
        .map(|label| size_of::<String>() + label.len())
        .sum();
    let buckets = match &point.value {
        Value::Histogram { buckets, .. } => size_of_val(buckets.as_slice()),
        Value::Gauge(_) | Value::Sum { .. } => 0,
    };
    size_of::<Point>() + labels + buckets
}

static ACCOUNTS: Mutex<Accounts<Points>> = Mutex::new(Accounts::new());
