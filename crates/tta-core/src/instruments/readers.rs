//! How each series of a registry is read: listed once, and kept until series are added.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::family::Family;
use super::registry::Handle;
use super::seam::{Outcome, SeamInstruments};
use super::snapshot::{BucketCount, SampleValue};
use crate::catalog::{self, MetricKind, MetricSpec};
use crate::error::ErrorKind;
use crate::panics::catch;

/// One metric with a reader for each of its series, sorted by label values.
///
/// The list is shared and never changes: as long as a metric has the same series,
/// [`Registry::readers`](super::Registry::readers) gives the same list again, so that whoever shows
/// it can keep what it has made of the labels.
#[derive(Clone, Debug)]
pub struct FamilyReader {
    spec: &'static MetricSpec,
    series: Arc<[SeriesReader]>,
}

/// Reads one series of a metric.
pub struct SeriesReader {
    labels: Arc<[String]>,
    source: Source,
}

/// Where the numbers of a series are.
enum Source {
    Counter(super::Counter),
    Gauge(super::Gauge),
    Histogram(super::Histogram),
    /// A callback, and where it is counted that it has failed.
    Observed(MetricKind, Arc<super::registry::Callback>, Arc<AtomicU64>),
    Executions(Arc<SeamInstruments>, Outcome),
    Durations(Arc<SeamInstruments>),
    // Two types may share a name; where the type is no label, their numbers are one series.
    InFlight(Seams),
    Errors(Seams, ErrorKind),
    Busy(Seams),
}

type Seams = Arc<[Arc<SeamInstruments>]>;

impl FamilyReader {
    fn new(spec: &'static MetricSpec, series: Vec<SeriesReader>) -> Self {
        Self {
            spec,
            series: series.into(),
        }
    }

    /// What the metric is.
    pub fn spec(&self) -> &'static MetricSpec {
        self.spec
    }

    /// Its series; the same list as before, and not an equal one, as long as there are no others.
    pub fn series(&self) -> &Arc<[SeriesReader]> {
        &self.series
    }
}

impl SeriesReader {
    /// The values of the labels, in the order of [`MetricSpec::labels`].
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Reads the series into `into`, whose memory is used again; false, and `into` says nothing, if
    /// there is nothing to show: of outcomes other than success, errors and busy time before the
    /// first, and of a callback that panics or reads what is no number.
    pub fn read(&self, into: &mut SampleValue) -> bool {
        let value = match &self.source {
            Source::Counter(counter) => SampleValue::Counter(counter.total(), counter.exemplar()),
            Source::Gauge(gauge) => SampleValue::Gauge(gauge.value() as f64),
            Source::Observed(kind, callback, failures) => {
                match observed(*kind, callback, failures) {
                    Some(value) => value,
                    None => return false,
                }
            }
            Source::Histogram(histogram) => {
                let mut buckets = reused(into);
                let sum = histogram.read_buckets(&mut buckets);
                SampleValue::Histogram { sum, buckets }
            }
            Source::Durations(seam) => {
                let mut buckets = reused(into);
                let sum = seam.read_buckets(&mut buckets);
                SampleValue::Histogram { sum, buckets }
            }
            Source::Executions(seam, outcome) => {
                let count = seam.count_of(*outcome);
                if count == 0 && *outcome != Outcome::Success {
                    return false;
                }
                SampleValue::Counter(count as f64, seam.exemplar_of(*outcome))
            }
            Source::InFlight(seams) => {
                let in_flight: u64 = seams.iter().map(|seam| seam.in_flight()).sum();
                SampleValue::Gauge(in_flight as f64)
            }
            Source::Errors(seams, kind) => {
                let count: u64 = seams.iter().map(|seam| seam.count_of_error(*kind)).sum();
                if count == 0 {
                    return false;
                }
                let mut examples = seams.iter().map(|seam| seam.exemplar_of_error(*kind));
                SampleValue::Counter(count as f64, examples.find_map(|example| example))
            }
            Source::Busy(seams) => {
                let nanos: u64 = seams.iter().map(|seam| seam.busy_nanos()).sum();
                if nanos == 0 {
                    return false;
                }
                SampleValue::Counter(nanos as f64 / 1e9, None)
            }
        };
        *into = value;
        true
    }
}

impl fmt::Debug for SeriesReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeriesReader")
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}

fn observed(
    kind: MetricKind,
    callback: &super::registry::Callback,
    failures: &AtomicU64,
) -> Option<SampleValue> {
    match catch(callback) {
        Ok(value) if kind == MetricKind::Counter => {
            if !value.is_finite() || value < 0.0 {
                super::refused();
                return None;
            }
            Some(SampleValue::Counter(value, None))
        }
        Ok(value) => Some(SampleValue::Gauge(value)),
        Err(_) => {
            failures.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}

/// The buckets that were read before, to be written over.
fn reused(value: &mut SampleValue) -> Vec<BucketCount> {
    match value {
        SampleValue::Histogram { buckets, .. } => std::mem::take(buckets),
        _ => Vec::new(),
    }
}

/// The readers of a metric whose handles are resolved one by one.
pub(super) fn of_metric(
    spec: &'static MetricSpec,
    family: &Family<Handle>,
    failures: &Arc<AtomicU64>,
) -> Vec<FamilyReader> {
    let mut series = Vec::new();
    family.each(spec.labels.len(), |labels, handle| {
        let source = match handle {
            Handle::Counter(counter) => Source::Counter(counter.clone()),
            Handle::Gauge(gauge) => Source::Gauge(gauge.clone()),
            Handle::Histogram(histogram) => Source::Histogram(histogram.clone()),
            Handle::Observed(callback) => {
                Source::Observed(spec.kind, Arc::clone(callback), Arc::clone(failures))
            }
        };
        series.push(SeriesReader {
            labels: Arc::clone(labels),
            source,
        });
    });
    vec![FamilyReader::new(spec, series)]
}

/// The readers of what is measured of every primitive.
pub(super) fn of_primitives(family: &Family<Arc<SeamInstruments>>) -> Vec<FamilyReader> {
    let mut families = of_seams(family, 2, &PRIMITIVE_SPECS);
    let (mut errors, mut busy) = (Vec::new(), Vec::new());
    for (name, seams) in by_name(family, 2) {
        for kind in ErrorKind::ALL {
            errors.push(SeriesReader {
                labels: [name.clone(), kind.as_str().to_owned()].into(),
                source: Source::Errors(Arc::clone(&seams), kind),
            });
        }
        busy.push(SeriesReader {
            labels: [name].into(),
            source: Source::Busy(seams),
        });
    }
    families.push(FamilyReader::new(&catalog::PRIMITIVE_ERRORS, errors));
    families.push(FamilyReader::new(&catalog::PRIMITIVE_BUSY, busy));
    families
}

/// The readers of what is measured of every workflow.
pub(super) fn of_workflows(family: &Family<Arc<SeamInstruments>>) -> Vec<FamilyReader> {
    of_seams(family, 1, &WORKFLOW_SPECS)
}

/// Under which names the instruments of a seam are shown.
struct SeamSpecs {
    executions: &'static MetricSpec,
    duration: &'static MetricSpec,
    in_flight: &'static MetricSpec,
}

const PRIMITIVE_SPECS: SeamSpecs = SeamSpecs {
    executions: &catalog::PRIMITIVE_EXECUTIONS,
    duration: &catalog::PRIMITIVE_DURATION,
    in_flight: &catalog::PRIMITIVE_IN_FLIGHT,
};

const WORKFLOW_SPECS: SeamSpecs = SeamSpecs {
    executions: &catalog::WORKFLOW_EXECUTIONS,
    duration: &catalog::WORKFLOW_DURATION,
    in_flight: &catalog::ACTIVE_WORKFLOWS,
};

fn of_seams(
    family: &Family<Arc<SeamInstruments>>,
    labels: usize,
    specs: &SeamSpecs,
) -> Vec<FamilyReader> {
    let (mut executions, mut durations) = (Vec::new(), Vec::new());
    family.each(labels, |labels, seam| {
        for outcome in Outcome::ALL {
            let outcome_label = outcome.as_str().to_owned();
            executions.push(SeriesReader {
                labels: labels.iter().cloned().chain([outcome_label]).collect(),
                source: Source::Executions(Arc::clone(seam), outcome),
            });
        }
        durations.push(SeriesReader {
            labels: Arc::clone(labels),
            source: Source::Durations(Arc::clone(seam)),
        });
    });
    let in_flight = by_name(family, labels).into_iter().map(|(name, seams)| {
        let labels = [name].into();
        let source = Source::InFlight(seams);
        SeriesReader { labels, source }
    });
    vec![
        FamilyReader::new(specs.executions, executions),
        FamilyReader::new(specs.duration, durations),
        FamilyReader::new(specs.in_flight, in_flight.collect()),
    ]
}

/// The instruments that share a name, in the order of the first of each.
fn by_name(family: &Family<Arc<SeamInstruments>>, labels: usize) -> Vec<(String, Seams)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut all: Vec<(String, Vec<Arc<SeamInstruments>>)> = Vec::new();
    family.each(labels, |labels, seam| {
        let name = labels.first().map_or("", String::as_str);
        let same = places.get(name).and_then(|&place| all.get_mut(place));
        if let Some((_, seams)) = same {
            seams.push(Arc::clone(seam));
        } else {
            places.insert(name.to_owned(), all.len());
            all.push((name.to_owned(), vec![Arc::clone(seam)]));
        }
    });
    let shared = all.into_iter().map(|(name, seams)| (name, seams.into()));
    shared.collect()
}
