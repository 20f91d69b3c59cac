//! Reading every instrument of a registry at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::registry::{Handle, Registry};
use super::seam::{Outcome, Reading, SeamInstruments};
use super::snapshot::{MetricFamily, MetricSample, SampleValue};
use crate::catalog::{self, MetricKind, MetricSpec};
use crate::error::ErrorKind;
use crate::panics::catch;

impl Registry {
    /// Reads every instrument, sorted by metric and label values.
    ///
    /// Callbacks run with no lock held. Metrics without a series are left out.
    pub fn gather(&self) -> Vec<MetricFamily> {
        let (metrics, primitives, workflows) = self.handles();
        let mut families = Vec::with_capacity(metrics.len() + 8);
        for (spec, handles) in metrics {
            let read = |(labels, handle)| {
                let value = self.read(spec.kind, &handle)?;
                Some(MetricSample { labels, value })
            };
            let samples = handles.into_iter().filter_map(read).collect();
            families.push(MetricFamily { spec, samples });
        }
        read_seams(&mut families, primitives, &PRIMITIVE_SPECS);
        read_seams(&mut families, workflows, &WORKFLOW_SPECS);
        families.retain(|family| !family.samples.is_empty());
        families.sort_by_key(|family| family.spec.name);
        families
    }

    /// Every handle with its labels.
    fn handles(&self) -> (Vec<(&'static MetricSpec, Labelled<Handle>)>, Seams, Seams) {
        let series = self.series();
        let metrics = series.metrics.values().map(|metric| {
            let mut handles = Vec::new();
            metric
                .family
                .each(metric.spec.labels.len(), |labels, handle| {
                    handles.push((labels.to_vec(), handle.clone()));
                });
            (metric.spec, handles)
        });
        let metrics = metrics.collect();
        let mut primitives = Vec::new();
        series.primitives.each(2, |labels, seam| {
            primitives.push((labels.to_vec(), Arc::clone(seam)));
        });
        let mut workflows = Vec::new();
        series.workflows.each(1, |labels, seam| {
            workflows.push((labels.to_vec(), Arc::clone(seam)));
        });
        (metrics, primitives, workflows)
    }

    fn read(&self, kind: MetricKind, handle: &Handle) -> Option<SampleValue> {
        Some(match handle {
            Handle::Counter(counter) => SampleValue::Counter(counter.total(), counter.exemplar()),
            Handle::Gauge(gauge) => SampleValue::Gauge(gauge.value() as f64),
            Handle::Observed(callback) => match catch(|| callback()) {
                Ok(value) if kind == MetricKind::Counter => {
                    if !value.is_finite() || value < 0.0 {
                        super::refused();
                        return None;
                    }
                    SampleValue::Counter(value, None)
                }
                Ok(value) => SampleValue::Gauge(value),
                Err(_) => {
                    self.failed_callbacks.fetch_add(1, Ordering::Relaxed);
                    return None;
                }
            },
            Handle::Histogram(histogram) => {
                let distribution = histogram.distribution();
                let mut buckets = distribution.buckets();
                for (bucket, exemplar) in buckets.iter_mut().zip(histogram.exemplars()) {
                    bucket.exemplar = exemplar;
                }
                SampleValue::Histogram {
                    sum: distribution.sum(),
                    buckets,
                }
            }
        })
    }
}

type Labelled<H> = Vec<(Vec<String>, H)>;
type Seams = Labelled<Arc<SeamInstruments>>;

/// Under which names the instruments of a seam are shown.
struct SeamSpecs {
    executions: &'static MetricSpec,
    duration: &'static MetricSpec,
    in_flight: &'static MetricSpec,
    /// Errors by kind and busy time, which only primitives show.
    details: Option<(&'static MetricSpec, &'static MetricSpec)>,
}

const PRIMITIVE_SPECS: SeamSpecs = SeamSpecs {
    executions: &catalog::PRIMITIVE_EXECUTIONS,
    duration: &catalog::PRIMITIVE_DURATION,
    in_flight: &catalog::PRIMITIVE_IN_FLIGHT,
    details: Some((&catalog::PRIMITIVE_ERRORS, &catalog::PRIMITIVE_BUSY)),
};

const WORKFLOW_SPECS: SeamSpecs = SeamSpecs {
    executions: &catalog::WORKFLOW_EXECUTIONS,
    duration: &catalog::WORKFLOW_DURATION,
    in_flight: &catalog::ACTIVE_WORKFLOWS,
    details: None,
};

fn read_seams(families: &mut Vec<MetricFamily>, seams: Seams, specs: &SeamSpecs) {
    let mut executions = Vec::new();
    let mut durations = Vec::new();
    let mut in_flight = Vec::new();
    let mut errors = Vec::new();
    let mut busy = Vec::new();
    for (labels, seam) in seams {
        let reading = seam.read();
        // Two types may share a name; where the type is no label, their numbers are one series.
        let name = labels.iter().take(1).cloned().collect::<Vec<_>>();
        for outcome in Outcome::ALL {
            let count = reading.count_of(outcome);
            if count > 0 || outcome == Outcome::Success {
                let labels = labels
                    .iter()
                    .cloned()
                    .chain([outcome.as_str().to_owned()])
                    .collect();
                let exemplar = seam.exemplar_of(outcome);
                let value = SampleValue::Counter(count as f64, exemplar);
                executions.push(MetricSample { labels, value });
            }
        }
        merge(
            &mut in_flight,
            name.clone(),
            SampleValue::Gauge(reading.in_flight() as f64),
        );
        if specs.details.is_some() {
            read_details(&seam, &reading, &name, &mut errors, &mut busy);
        }
        let (sum, buckets) = (reading.durations.sum(), seam.buckets(&reading));
        durations.push(MetricSample {
            labels,
            value: SampleValue::Histogram { sum, buckets },
        });
    }
    families.push(MetricFamily {
        spec: specs.executions,
        samples: executions,
    });
    families.push(MetricFamily {
        spec: specs.duration,
        samples: durations,
    });
    families.push(MetricFamily {
        spec: specs.in_flight,
        samples: in_flight,
    });
    if let Some((error_spec, busy_spec)) = specs.details {
        families.push(MetricFamily {
            spec: error_spec,
            samples: errors,
        });
        families.push(MetricFamily {
            spec: busy_spec,
            samples: busy,
        });
    }
}

fn read_details(
    seam: &SeamInstruments,
    reading: &Reading,
    name: &[String],
    errors: &mut Vec<MetricSample>,
    busy: &mut Vec<MetricSample>,
) {
    for (kind, &count) in ErrorKind::ALL.iter().zip(&reading.errors) {
        if count > 0 {
            let labels = name
                .iter()
                .cloned()
                .chain([kind.as_str().to_owned()])
                .collect();
            let exemplar = seam.exemplar_of_error(*kind);
            merge(errors, labels, SampleValue::Counter(count as f64, exemplar));
        }
    }
    if reading.busy_nanos > 0 {
        let seconds = reading.busy_nanos as f64 / 1e9;
        merge(busy, name.to_vec(), SampleValue::Counter(seconds, None));
    }
}

/// Adds a number to the sample of the same labels; samples come sorted, so that is the last one or
/// one of the few of the same name before it.
fn merge(samples: &mut Vec<MetricSample>, labels: Vec<String>, value: SampleValue) {
    let name = labels.first().cloned();
    let same = samples
        .iter_mut()
        .rev()
        .take_while(|sample| sample.labels.first() == name.as_ref())
        .find(|sample| sample.labels == labels);
    match (same.map(|sample| &mut sample.value), value) {
        (Some(SampleValue::Counter(sum, example)), SampleValue::Counter(more, another)) => {
            *sum += more;
            *example = example.or(another);
        }
        (Some(SampleValue::Gauge(sum)), SampleValue::Gauge(more)) => *sum += more,
        (_, value) => samples.push(MetricSample { labels, value }),
    }
}
