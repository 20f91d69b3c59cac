//! Reading every instrument of a registry at once.

use super::readers::{self, FamilyReader, SeriesReader};
use super::registry::Registry;
use super::snapshot::{MetricFamily, MetricSample, SampleValue};

impl Registry {
    /// Every metric with a reader for each series, sorted by metric and label values.
    ///
    /// Nothing is read by asking: each series is when its reader is called, with no lock of the
    /// registry held.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_core::{MetricSpec, Registry, SampleValue, Unit};
    ///
    /// static GREETINGS: MetricSpec =
    ///     MetricSpec::counter("greetings_total", Unit::One, "Greetings by language.")
    ///         .labels(&["language"]);
    ///
    /// let registry = Registry::new();
    /// registry.counter(&GREETINGS, &["en"])?.increment();
    /// let family = &registry.readers()[0];
    /// let mut value = SampleValue::Gauge(0.0);
    /// assert!(family.series()[0].read(&mut value));
    /// assert!(matches!(value, SampleValue::Counter(1.0, None)));
    /// # Ok::<(), tta_core::Error>(())
    /// ```
    pub fn readers(&self) -> Vec<FamilyReader> {
        let failures = &self.failed_callbacks;
        let mut series = self.series();
        let series = &mut *series;
        let mut all = Vec::with_capacity(series.metrics.len() + 8);
        for metric in series.metrics.values_mut() {
            let spec = metric.spec;
            let list = |family: &_| readers::of_metric(spec, family, failures);
            all.extend_from_slice(metric.family.readers(list));
        }
        all.extend_from_slice(series.primitives.readers(readers::of_primitives));
        all.extend_from_slice(series.workflows.readers(readers::of_workflows));
        all.retain(|family| !family.series().is_empty());
        all.sort_by_key(|family| family.spec().name);
        all
    }

    /// Reads every instrument, sorted by metric and label values.
    ///
    /// Callbacks run with no lock held. Metrics without a series are left out.
    pub fn gather(&self) -> Vec<MetricFamily> {
        let families = self.readers().into_iter().map(|family| MetricFamily {
            spec: family.spec(),
            samples: family.series().iter().filter_map(sample).collect(),
        });
        families
            .filter(|family| !family.samples.is_empty())
            .collect()
    }
}

fn sample(series: &SeriesReader) -> Option<MetricSample> {
    let mut value = SampleValue::Gauge(0.0);
    series.read(&mut value).then(|| MetricSample {
        labels: series.labels().to_vec(),
        value,
    })
}
