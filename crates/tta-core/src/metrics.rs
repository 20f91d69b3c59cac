//! What has been measured of one primitive, readable from Rust.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::DURATION_BOUNDS;
use crate::error::ErrorKind;
use crate::instruments::{Outcome, Reading, SeamInstruments, nanos};

/// What has been measured of one primitive: executions, errors, durations.
///
/// Every observed step has one, with or without a telemetry layer; see
/// [`Registry::primitive_metrics`](crate::Registry::primitive_metrics). Memory does not grow with
/// the number of executions. [Resetting](Self::reset) starts these numbers afresh and leaves what
/// is exported as it is.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_core::PrimitiveMetrics;
///
/// let metrics = PrimitiveMetrics::detached("search");
/// for ms in (10..=100).step_by(10) {
///     metrics.record_success(Duration::from_millis(ms));
/// }
/// assert_eq!(metrics.executions(), 10);
/// assert!((40..60).contains(&metrics.percentile(50.0).as_millis()));
/// ```
#[derive(Clone)]
pub struct PrimitiveMetrics {
    name: Arc<str>,
    /// One for each type that goes by the name.
    seams: Box<[Arc<SeamInstruments>]>,
}

impl PrimitiveMetrics {
    /// Metrics that no registry knows, for measuring by hand.
    pub fn detached(name: &str) -> Self {
        Self::of(name, Arc::new(SeamInstruments::detached(DURATION_BOUNDS)))
    }

    pub(crate) fn of(name: &str, seam: Arc<SeamInstruments>) -> Self {
        Self {
            name: name.into(),
            seams: Box::new([seam]),
        }
    }

    /// All of them read together, under the name of the first; none if there are none.
    pub(crate) fn together(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut all = all.into_iter();
        let first = all.next()?;
        let seams = first.seams.into_iter().chain(all.flat_map(|it| it.seams));
        Some(Self {
            name: first.name,
            seams: seams.collect(),
        })
    }

    /// Records an execution that succeeded.
    pub fn record_success(&self, duration: Duration) {
        self.record(Outcome::Success, duration, None);
    }

    /// Records an execution that failed.
    pub fn record_error(&self, duration: Duration, kind: ErrorKind) {
        self.record(Outcome::Error, duration, Some(kind));
    }

    /// The primitive's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many executions have ended.
    pub fn executions(&self) -> u64 {
        self.read().durations.count()
    }

    /// How many of them failed.
    pub fn errors(&self) -> u64 {
        self.read().count_of(Outcome::Error)
    }

    /// How many of them were given up before they ended.
    pub fn cancelled(&self) -> u64 {
        self.read().count_of(Outcome::Cancelled)
    }

    /// How many of them failed with this kind of error.
    pub fn errors_of(&self, kind: ErrorKind) -> u64 {
        self.read()
            .errors
            .get(kind.index())
            .copied()
            .unwrap_or_default()
    }

    /// How many have begun and not ended.
    pub fn in_flight(&self) -> u64 {
        self.read().in_flight()
    }

    /// The share of executions that failed, between 0 and 1; 0 when there were none.
    pub fn error_rate(&self) -> f64 {
        let reading = self.read();
        match reading.durations.count() {
            0 => 0.0,
            count => reading.count_of(Outcome::Error) as f64 / count as f64,
        }
    }

    /// The mean duration; zero when there were no executions.
    pub fn mean(&self) -> Duration {
        seconds(self.read().durations.mean())
    }

    /// The duration below which `percent` of the executions lie, within 5 %; zero when there were
    /// none.
    pub fn percentile(&self, percent: f64) -> Duration {
        seconds(self.read().durations.percentile(percent))
    }

    /// Starts these numbers afresh.
    pub fn reset(&self) {
        self.seams.iter().for_each(|seam| seam.reset());
    }

    fn record(&self, outcome: Outcome, duration: Duration, error: Option<ErrorKind>) {
        // Which of several types is meant is not known; the sum is right whichever it is.
        if let Some(seam) = self.seams.first() {
            seam.started();
            error.inspect(|&kind| seam.failed(kind));
            seam.ended(outcome, nanos(duration));
        }
    }

    fn read(&self) -> Reading {
        let mut readings = self.seams.iter().map(|seam| seam.read_since_reset());
        let first = readings.next().unwrap_or_else(Reading::empty);
        readings.fold(first, |sum, more| sum.merged(&more))
    }
}

impl fmt::Debug for PrimitiveMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrimitiveMetrics")
            .field("name", &self.name)
            .field("executions", &self.executions())
            .field("errors", &self.errors())
            .field("mean", &self.mean())
            .finish_non_exhaustive()
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
