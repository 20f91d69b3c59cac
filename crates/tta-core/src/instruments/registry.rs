//! Every instrument of the process, by metric and label set.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use super::family::{Family, Put, Resolved};
use super::forked;
use super::seam::SeamInstruments;
use super::{Counter, Gauge, Histogram};
use crate::catalog::{self, LABEL_LIMIT_REACHED, MetricKind, MetricSpec};
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::PrimitiveMetrics;
use crate::record::{Level, LogField, LogRecord};
use crate::recorder;

/// The registry that primitives record into.
pub fn registry() -> &'static Registry {
    static GLOBAL: LazyLock<Registry> = LazyLock::new(Registry::new);
    &GLOBAL
}

/// Every instrument of the process, by metric and label set.
///
/// Label sets are capped: past the limit further sets are counted in one series whose labels all
/// read [`OVERFLOW_LABEL`], so that memory is bounded and totals stay exact.
///
/// # Examples
///
/// ```
/// use tta_core::{MetricSpec, Unit, registry};
///
/// static GREETINGS: MetricSpec =
///     MetricSpec::counter("greetings_total", Unit::One, "Greetings by language.")
///         .labels(&["language"]);
///
/// let english = registry().counter(&GREETINGS, &["en"])?;
/// english.increment();
/// assert_eq!(english.total(), 1.0);
/// # Ok::<(), tta_core::Error>(())
/// ```
pub struct Registry {
    limit: AtomicUsize,
    pub(super) failed_callbacks: Arc<AtomicU64>,
    series: Mutex<Series>,
    /// In the place of the other where a fork has left that one locked.
    spare: Mutex<Series>,
}

#[derive(Default)]
pub(super) struct Series {
    pub(super) metrics: BTreeMap<&'static str, Metric>,
    pub(super) primitives: Family<Arc<SeamInstruments>>,
    pub(super) workflows: Family<Arc<SeamInstruments>>,
}

pub(super) struct Metric {
    pub(super) spec: &'static MetricSpec,
    pub(super) family: Family<Handle>,
}

#[derive(Clone)]
pub(super) enum Handle {
    Counter(Counter),
    Gauge(Gauge),
    Observed(Arc<Callback>),
    Histogram(Histogram),
}

pub(super) type Callback = Box<dyn Fn() -> f64 + Send + Sync>;

impl Registry {
    /// An empty registry with the default limit of 2,000 label sets a metric.
    pub fn new() -> Self {
        forked::begin();
        Self {
            limit: AtomicUsize::new(DEFAULT_LABEL_LIMIT),
            failed_callbacks: Arc::default(),
            series: Mutex::new(Series::default()),
            spare: Mutex::new(Series::default()),
        }
    }

    /// Sets how many label sets each metric may have; those that exist stay.
    pub fn set_label_limit(&self, limit: usize) {
        self.limit.store(limit.max(1), Ordering::Relaxed);
    }

    /// How many label sets each metric may have.
    pub fn label_limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// The counter of this metric with these label values.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the metric is no counter, its name or a label's is not one
    /// that Prometheus accepts, the number of values differs from that of labels, or another
    /// metric has the name already.
    pub fn counter(&self, spec: &'static MetricSpec, labels: &[&str]) -> Result<Counter> {
        let make = || Handle::Counter(Counter::registered(spec.unit));
        match self.resolve(spec, MetricKind::Counter, labels, make)? {
            Handle::Counter(counter) => Ok(counter),
            _ => Err(taken(spec)),
        }
    }

    /// The counter of a metric that this crate declares, which its tests have seen to be right.
    pub(crate) fn declared_counter(&self, spec: &'static MetricSpec, labels: &[&str]) -> Counter {
        self.counter(spec, labels)
            .unwrap_or_else(|_| Counter::detached(spec.unit))
    }

    /// The gauge of this metric with these label values.
    ///
    /// # Errors
    ///
    /// As for [`counter`](Self::counter).
    pub fn gauge(&self, spec: &'static MetricSpec, labels: &[&str]) -> Result<Gauge> {
        let make = || Handle::Gauge(Gauge::detached());
        match self.resolve(spec, MetricKind::Gauge, labels, make)? {
            Handle::Gauge(gauge) => Ok(gauge),
            _ => Err(taken(spec)),
        }
    }

    /// The histogram of this metric with these label values.
    ///
    /// # Errors
    ///
    /// As for [`counter`](Self::counter).
    pub fn histogram(&self, spec: &'static MetricSpec, labels: &[&str]) -> Result<Histogram> {
        let make = || Handle::Histogram(Histogram::registered(spec.bounds, spec.unit));
        match self.resolve(spec, MetricKind::Histogram, labels, make)? {
            Handle::Histogram(histogram) => Ok(histogram),
            _ => Err(taken(spec)),
        }
    }

    /// Reads a gauge through a callback whenever metrics are gathered.
    ///
    /// A second callback for the same labels takes the place of the first. One that panics is left
    /// out of that reading and counted by [`failed_callbacks`](Self::failed_callbacks).
    ///
    /// # Errors
    ///
    /// As for [`counter`](Self::counter); also if the metric has as many label sets as it may have,
    /// for what callbacks read cannot be added up, or if a handle is in use for these labels.
    pub fn observe_gauge(
        &self,
        spec: &'static MetricSpec,
        labels: &[&str],
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Result<()> {
        self.observe(spec, MetricKind::Gauge, labels, Box::new(read))
    }

    /// Reads a counter that is kept elsewhere through a callback whenever metrics are gathered; as
    /// [`observe_gauge`](Self::observe_gauge) otherwise. A reading that is no number, infinite or
    /// negative is left out and counted by [`refused_measurements`](crate::refused_measurements).
    ///
    /// # Errors
    ///
    /// As for [`counter`](Self::counter).
    pub fn observe_counter(
        &self,
        spec: &'static MetricSpec,
        labels: &[&str],
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Result<()> {
        self.observe(spec, MetricKind::Counter, labels, Box::new(read))
    }

    /// How often a metric's callback has panicked.
    pub fn failed_callbacks(&self) -> u64 {
        self.failed_callbacks.load(Ordering::Relaxed)
    }

    /// What has been measured of the primitive of this name; of all types together if several
    /// share it.
    pub fn primitive_metrics(&self, name: &str) -> Option<PrimitiveMetrics> {
        let all = self.all_primitive_metrics().into_iter();
        PrimitiveMetrics::together(all.filter(|metrics| metrics.name() == name))
    }

    /// What has been measured of every primitive, one for each name and type, in the order of
    /// their names.
    pub fn all_primitive_metrics(&self) -> Vec<PrimitiveMetrics> {
        let mut all = Vec::new();
        self.series().primitives.each(2, |labels, seam| {
            let name = labels.first().map_or("", String::as_str);
            all.push(PrimitiveMetrics::of(name, Arc::clone(seam)));
        });
        all
    }

    /// Starts [`PrimitiveMetrics`] of every primitive afresh; what is exported goes on.
    pub fn reset_primitive_metrics(&self) {
        for metrics in self.all_primitive_metrics() {
            metrics.reset();
        }
    }

    fn observe(
        &self,
        spec: &'static MetricSpec,
        kind: MetricKind,
        labels: &[&str],
        read: Callback,
    ) -> Result<()> {
        check(spec, kind, labels)?;
        let handle = Handle::Observed(Arc::new(read));
        let mut series = self.series();
        let callback = |present: &Handle| matches!(present, Handle::Observed(_));
        let limit = self.label_limit();
        match metric(&mut series, spec)?
            .family
            .put(labels, limit, handle, callback)
        {
            Put::Done => Ok(()),
            Put::Taken => Err(misuse(format!(
                "metric `{}` is recorded by hand with these labels; it cannot be read through a \
                 callback as well",
                spec.name
            ))),
            Put::Full => Err(misuse(format!(
                "metric `{}` has all the {limit} label sets it may have; raise the limit, or give \
                 it fewer",
                spec.name
            ))),
        }
    }

    /// The instruments of a primitive.
    pub(crate) fn primitive(
        &self,
        name: &str,
        kind: &str,
        bounds: Option<&[f64]>,
    ) -> Arc<SeamInstruments> {
        let spec = &catalog::PRIMITIVE_DURATION;
        self.seam(&[name, kind], spec, bounds, |series| &mut series.primitives)
    }

    /// The instruments of a workflow.
    pub(crate) fn workflow(&self, name: &str, bounds: Option<&[f64]>) -> Arc<SeamInstruments> {
        let spec = &catalog::WORKFLOW_DURATION;
        self.seam(&[name], spec, bounds, |series| &mut series.workflows)
    }

    fn seam(
        &self,
        labels: &[&str],
        spec: &'static MetricSpec,
        bounds: Option<&[f64]>,
        family: impl FnOnce(&mut Series) -> &mut Family<Arc<SeamInstruments>>,
    ) -> Arc<SeamInstruments> {
        let limit = self.label_limit();
        let resolved = {
            let mut series = self.series();
            let family = family(&mut series);
            family.resolve(labels, limit, || {
                Arc::new(SeamInstruments::registered(bounds.unwrap_or(spec.bounds)))
            })
        };
        Self::settle(spec, limit, resolved)
    }

    fn resolve(
        &self,
        spec: &'static MetricSpec,
        kind: MetricKind,
        labels: &[&str],
        make: impl FnOnce() -> Handle,
    ) -> Result<Handle> {
        check(spec, kind, labels)?;
        let limit = self.label_limit();
        let resolved = metric(&mut self.series(), spec)?
            .family
            .resolve(labels, limit, make);
        Ok(Self::settle(spec, limit, resolved))
    }

    /// Reports a metric's first overflow, with no lock held while the recorder's code runs.
    fn settle<H>(spec: &'static MetricSpec, limit: usize, resolved: Resolved<H>) -> H {
        if resolved.first_overflow {
            recorder::log_globally(&LogRecord {
                event: &LABEL_LIMIT_REACHED,
                level: Level::Warn,
                fields: &[
                    LogField::new("metric", spec.name),
                    LogField::new("limit", limit as u64),
                ],
                context: None,
            });
        }
        resolved.handle
    }

    pub(super) fn series(&self) -> MutexGuard<'_, Series> {
        // Only our own code runs under the lock, and each change to the maps is a single step.
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        forked::lock(&self.series).unwrap_or_else(spare)
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// The metric's place in the registry, if no other metric has taken its name.
fn metric<'a>(series: &'a mut Series, spec: &'static MetricSpec) -> Result<&'a mut Metric> {
    let metric = series.metrics.entry(spec.name).or_insert_with(|| Metric {
        spec,
        family: Family::default(),
    });
    if metric.spec == spec {
        Ok(metric)
    } else {
        Err(taken(spec))
    }
}

fn check(spec: &MetricSpec, kind: MetricKind, labels: &[&str]) -> Result<()> {
    let name = spec.name;
    if !is_name(name, true) {
        return Err(misuse(format!(
            "metric name `{name}` must match [a-zA-Z_:][a-zA-Z0-9_:]*; rename it"
        )));
    }
    if let Some(label) = spec.labels.iter().find(|label| !is_name(label, false)) {
        return Err(misuse(format!(
            "label name `{label}` of metric `{name}` must match [a-zA-Z_][a-zA-Z0-9_]* and not \
             begin with two underscores; rename it"
        )));
    }
    if spec.kind != kind {
        return Err(misuse(format!(
            "metric `{name}` is declared as a {:?} and was asked for as a {kind:?}",
            spec.kind
        )));
    }
    if spec.labels.len() != labels.len() {
        return Err(misuse(format!(
            "metric `{name}` has {} labels ({}) and {} values were given",
            spec.labels.len(),
            spec.labels.join(", "),
            labels.len()
        )));
    }
    Ok(())
}

fn is_name(name: &str, colons: bool) -> bool {
    let mut bytes = name.bytes();
    let begins = |b: u8| b.is_ascii_alphabetic() || b == b'_' || (colons && b == b':');
    bytes.next().is_some_and(begins)
        && bytes.all(|b| begins(b) || b.is_ascii_digit())
        && (colons || !name.starts_with("__"))
}

fn taken(spec: &MetricSpec) -> Error {
    misuse(format!(
        "metric name `{}` is declared twice with different meanings",
        spec.name
    ))
}

fn misuse(message: String) -> Error {
    Error::new(ErrorKind::Configuration, message)
}

/// The value of every label of the series that counts the sets past the limit.
pub const OVERFLOW_LABEL: &str = "__overflow__";

const DEFAULT_LABEL_LIMIT: usize = 2_000;
