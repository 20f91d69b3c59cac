//! What a crate declares about the telemetry it emits, as data.
//!
//! Each crate lists its metrics, spans and log events once, in a [`Catalog`]. The recording code
//! refers to those constants, and the reference documentation is generated from them, so that the
//! two cannot differ.

mod core_declarations;

pub use core_declarations::CATALOG;
pub(crate) use core_declarations::*;

/// Everything one crate emits.
#[derive(Clone, Copy, Debug)]
pub struct Catalog {
    /// The crate's name.
    pub crate_name: &'static str,
    /// Its metrics.
    pub metrics: &'static [&'static MetricSpec],
    /// Its spans.
    pub spans: &'static [&'static SpanSpec],
    /// Its log events.
    pub logs: &'static [&'static LogSpec],
}

/// A metric: name, meaning, unit and labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricSpec {
    /// The full name with unit and `_total` suffix, as Prometheus shows it.
    pub name: &'static str,
    /// What it counts or measures, in one line.
    pub help: &'static str,
    /// Counter, gauge or histogram.
    pub kind: MetricKind,
    /// The unit of its values.
    pub unit: Unit,
    /// The names of its labels, in the order in which values are given.
    pub labels: &'static [&'static str],
    /// The upper bounds of a histogram's buckets, ascending, in the metric's unit.
    pub bounds: &'static [f64],
    /// Other names for the same numbers; the metric's own where only a label was called otherwise.
    pub aliases: &'static [&'static str],
}

/// What shape a metric has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// A sum that only grows.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

/// The unit of a metric's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// A plain number.
    One,
    /// Seconds; kept as whole nanoseconds.
    Seconds,
    /// US dollars; kept as whole billionths, so that sums are exact.
    UsDollars,
    /// Bytes.
    Bytes,
    /// A share between 0 and 1.
    Ratio,
}

impl Unit {
    /// How many whole stored units make one of the metric's unit.
    pub const fn scale(self) -> f64 {
        match self {
            Self::Seconds | Self::UsDollars => 1e9,
            Self::One | Self::Bytes | Self::Ratio => 1.0,
        }
    }

    /// The UCUM symbol, as OpenTelemetry names units.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::One | Self::Ratio => "1",
            Self::Seconds => "s",
            Self::UsDollars => "USD",
            Self::Bytes => "By",
        }
    }
}

impl MetricSpec {
    /// A counter; its name ends in `_total`.
    pub const fn counter(name: &'static str, unit: Unit, help: &'static str) -> Self {
        Self::new(name, MetricKind::Counter, unit, help)
    }

    /// A gauge.
    pub const fn gauge(name: &'static str, unit: Unit, help: &'static str) -> Self {
        Self::new(name, MetricKind::Gauge, unit, help)
    }

    /// A histogram with the default duration buckets; see [`bounds`](Self::bounds).
    pub const fn histogram(name: &'static str, unit: Unit, help: &'static str) -> Self {
        let mut spec = Self::new(name, MetricKind::Histogram, unit, help);
        spec.bounds = DURATION_BOUNDS;
        spec
    }

    /// The same metric with these labels.
    #[must_use]
    pub const fn labels(mut self, labels: &'static [&'static str]) -> Self {
        self.labels = labels;
        self
    }

    /// The same histogram with these upper bounds, ascending, in the metric's unit.
    #[must_use]
    pub const fn bounds(mut self, bounds: &'static [f64]) -> Self {
        self.bounds = bounds;
        self
    }

    /// The same metric, also known under these names.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn new(name: &'static str, kind: MetricKind, unit: Unit, help: &'static str) -> Self {
        Self {
            name,
            help,
            kind,
            unit,
            labels: &[],
            bounds: &[],
            aliases: &[],
        }
    }
}

/// A span: name, meaning and the attributes it may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanSpec {
    /// The span's name; `{…}` stands for the name of a primitive or workflow.
    pub name: &'static str,
    /// What it covers, in one line.
    pub help: &'static str,
    /// Keys of the attributes it may carry.
    pub attributes: &'static [&'static str],
}

/// A log event: the value of `message`, its level and its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSpec {
    /// The value of `message`.
    pub name: &'static str,
    /// What it says, in one line.
    pub help: &'static str,
    /// Its fields, besides those that every line has.
    pub fields: &'static [&'static str],
}

/// The default bounds of duration histograms, in seconds.
pub const DURATION_BOUNDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
