//! The instruments of one step or workflow, written at its start and its end only.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::bounds::Bounds;
use super::cells::{Cells, PerThread, Table};
use super::exemplar::{BucketExemplars, Exemplar, ExemplarSlot};
use super::histogram::{Distribution, DistributionCells, read_buckets};
use super::snapshot::BucketCount;
use crate::error::ErrorKind;
use crate::identity::{SpanId, TraceId};

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Error,
    Cancelled,
}

impl Outcome {
    pub(crate) const ALL: [Self; 3] = [Self::Success, Self::Error, Self::Cancelled];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What is measured of every step: executions by outcome, durations, errors by kind, executions in
/// flight and, when asked for, busy time.
///
/// The outcome chooses the row of the histogram, so that counts by outcome are sums of buckets and
/// cost nothing of their own.
#[derive(Debug)]
pub(crate) struct SeamInstruments {
    bounds: Arc<Bounds>,
    cells: PerThread<SeamCells>,
    /// For each bucket, each outcome and each kind of error.
    exemplars: Exemplars,
    errors: [AtomicU64; ErrorKind::ALL.len()],
    /// Where [`PrimitiveMetrics::reset`](crate::PrimitiveMetrics::reset) has put zero.
    baseline: Mutex<Option<Reading>>,
}

#[derive(Debug)]
struct Exemplars {
    buckets: BucketExemplars,
    outcomes: [ExemplarSlot; Outcome::ALL.len()],
    errors: Box<[ExemplarSlot]>,
}

/// Where an execution is counted, and so may become an example.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    bucket: usize,
    outcome: Outcome,
}

/// The instruments of a seam at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) durations: Distribution,
    pub(crate) started: u64,
    pub(crate) busy_nanos: u64,
    pub(crate) errors: [u64; ErrorKind::ALL.len()],
}

impl SeamInstruments {
    /// Instruments that no registry knows.
    pub(crate) fn detached(bounds: &[f64]) -> Self {
        Self::with_cells(bounds, PerThread::shared)
    }

    /// Instruments that a registry keeps.
    pub(crate) fn registered(bounds: &[f64]) -> Self {
        Self::with_cells(bounds, PerThread::new)
    }

    fn with_cells(
        bounds: &[f64],
        cells: impl FnOnce(Box<dyn Fn() -> SeamCells + Send + Sync>) -> PerThread<SeamCells>,
    ) -> Self {
        let bounds = Bounds::shared(bounds, SCALE);
        let shape = Arc::clone(&bounds);
        Self {
            exemplars: Exemplars::new(bounds.exported()),
            cells: cells(Box::new(move || SeamCells::new(&shape))),
            bounds,
            errors: [const { AtomicU64::new(0) }; ErrorKind::ALL.len()],
            baseline: Mutex::new(None),
        }
    }

    #[inline]
    pub(crate) fn started(&self) {
        self.cells
            .with(|cells, writer| writer.add(&cells.started, 1));
    }

    /// Records an end and tells where it is counted.
    #[inline]
    pub(crate) fn ended(&self, outcome: Outcome, nanos: u64) -> Counted {
        let bucket = self.cells.with(|cells, writer| {
            cells
                .durations
                .record(&self.bounds, writer, outcome as usize, nanos)
        });
        Counted { bucket, outcome }
    }

    pub(crate) fn failed(&self, kind: ErrorKind) {
        if let Some(count) = self.errors.get(kind.index()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn busy(&self, nanos: u64) {
        self.cells
            .with(|cells, writer| writer.add(&cells.busy, nanos));
    }

    #[inline]
    pub(crate) fn exemplar(
        &self,
        counted: Counted,
        error: Option<ErrorKind>,
        nanos: u64,
        (trace_id, span_id): (TraceId, SpanId),
        now: u64,
    ) {
        let Exemplars {
            buckets,
            outcomes,
            errors,
        } = &self.exemplars;
        if let Some(slot) = buckets.slot(counted.bucket) {
            slot.offer_at(|| nanos as f64 / SCALE, trace_id, span_id, now);
        }
        if let Some(slot) = outcomes.get(counted.outcome as usize) {
            slot.offer_at(|| 1.0, trace_id, span_id, now);
        }
        if let Some(slot) = error.and_then(|kind| errors.get(kind.index())) {
            slot.offer_at(|| 1.0, trace_id, span_id, now);
        }
    }

    /// An example of those that ended so.
    pub(crate) fn exemplar_of(&self, outcome: Outcome) -> Option<Exemplar> {
        let slot = self.exemplars.outcomes.get(outcome as usize);
        slot.and_then(ExemplarSlot::latest)
    }

    /// An example of those that failed so.
    pub(crate) fn exemplar_of_error(&self, kind: ErrorKind) -> Option<Exemplar> {
        let slot = self.exemplars.errors.get(kind.index());
        slot.and_then(ExemplarSlot::latest)
    }

    /// Everything recorded since the process began.
    pub(crate) fn read(&self) -> Reading {
        let mut reading = Reading::none(&self.bounds);
        // Ends before starts, so that a step ending meanwhile never makes "in flight" negative.
        self.cells
            .each(|cells| reading.durations.absorb(&cells.durations));
        self.cells.each(|cells| {
            reading.started += cells.started.load(Ordering::Relaxed);
            reading.busy_nanos += cells.busy.load(Ordering::Relaxed);
        });
        for (total, count) in reading.errors.iter_mut().zip(&self.errors) {
            *total = count.load(Ordering::Relaxed);
        }
        reading
    }

    /// Everything recorded since the last reset.
    pub(crate) fn read_since_reset(&self) -> Reading {
        let now = self.read();
        let baseline = self.baseline.lock().unwrap_or_else(PoisonError::into_inner);
        match &*baseline {
            None => now,
            Some(then) => now.since(then),
        }
    }

    pub(crate) fn reset(&self) {
        let now = self.read();
        *self.baseline.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// Reads the exported buckets with their examples into `buckets`, which is empty, and the sum
    /// of all durations in seconds.
    pub(crate) fn read_buckets(&self, buckets: &mut Vec<BucketCount>) -> f64 {
        let exemplars = &self.exemplars.buckets;
        let sum = read_buckets(&self.bounds, exemplars, buckets, |visit| {
            self.cells.each(|cells| visit(&cells.durations));
        });
        sum as f64 / SCALE
    }

    /// How many executions ended so.
    pub(crate) fn count_of(&self, outcome: Outcome) -> u64 {
        let mut count = 0;
        self.cells
            .each(|cells| count += cells.durations.count_of(outcome as usize));
        count
    }

    /// How many executions failed so.
    pub(crate) fn count_of_error(&self, kind: ErrorKind) -> u64 {
        let count = self.errors.get(kind.index());
        count.map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// How many executions are under way.
    pub(crate) fn in_flight(&self) -> u64 {
        let (mut ended, mut started) = (0, 0_u64);
        // Ends before starts, so that a step ending meanwhile never makes the difference negative.
        self.cells.each(|cells| ended += cells.durations.count());
        self.cells
            .each(|cells| started += cells.started.load(Ordering::Relaxed));
        started.saturating_sub(ended)
    }

    pub(crate) fn busy_nanos(&self) -> u64 {
        let mut nanos = 0;
        self.cells
            .each(|cells| nanos += cells.busy.load(Ordering::Relaxed));
        nanos
    }
}

impl Exemplars {
    fn new(buckets: usize) -> Self {
        let slots = |count: usize| (0..count).map(|_| ExemplarSlot::default()).collect();
        Self {
            buckets: BucketExemplars::new(buckets),
            outcomes: Default::default(),
            errors: slots(ErrorKind::ALL.len()),
        }
    }
}

impl Reading {
    /// What is read where nothing has been measured.
    pub(crate) fn empty() -> Self {
        Self::none(&Bounds::new(&[], SCALE))
    }

    fn none(bounds: &Bounds) -> Self {
        Self {
            durations: Distribution::empty(bounds, SCALE, Outcome::ALL.len()),
            started: 0,
            busy_nanos: 0,
            errors: [0; ErrorKind::ALL.len()],
        }
    }

    /// Both together; only counts, sums and percentiles, since the two may have different buckets.
    pub(crate) fn merged(mut self, other: &Self) -> Self {
        self.durations = self.durations.merged(&other.durations);
        self.started += other.started;
        self.busy_nanos += other.busy_nanos;
        for (count, more) in self.errors.iter_mut().zip(other.errors) {
            *count += more;
        }
        self
    }

    pub(crate) fn in_flight(&self) -> u64 {
        self.started.saturating_sub(self.durations.count())
    }

    pub(crate) fn count_of(&self, outcome: Outcome) -> u64 {
        self.durations.count_of(outcome as usize)
    }

    fn since(&self, earlier: &Self) -> Self {
        let mut errors = self.errors;
        for (now, then) in errors.iter_mut().zip(earlier.errors) {
            *now = now.saturating_sub(then);
        }
        // Executions that were under way at the reset count when they end.
        let in_flight = self.in_flight();
        let durations = self.durations.since(&earlier.durations);
        Self {
            started: durations.count() + in_flight,
            durations,
            busy_nanos: self.busy_nanos.saturating_sub(earlier.busy_nanos),
            errors,
        }
    }
}

#[derive(Debug)]
struct SeamCells {
    started: AtomicU64,
    busy: AtomicU64,
    durations: DistributionCells,
}

impl SeamCells {
    fn new(bounds: &Bounds) -> Self {
        Self {
            started: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            durations: DistributionCells::new(bounds, Outcome::ALL.len()),
        }
    }
}

impl Cells for SeamCells {
    #[inline]
    fn with_table<R>(f: impl FnOnce(&RefCell<Table<Self>>) -> R) -> Option<R> {
        TABLE.try_with(f).ok()
    }
}

thread_local! {
    static TABLE: RefCell<Table<SeamCells>> = const { RefCell::new(Table::new()) };
}

/// Durations are kept in nanoseconds and shown in seconds.
const SCALE: f64 = 1e9;
