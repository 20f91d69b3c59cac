//! A distribution of measurements.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::bounds::{Bounds, FINE_CHUNKS, FINE_PER_OCTAVE, fine_middle};
use super::cells::{Cells, PerThread, Table, Writer};
use super::checked_units;
use super::exemplar::{BucketExemplars, Exemplar, ExemplarFilter};
use super::snapshot::BucketCount;
use crate::catalog::{DURATION_BOUNDS, Unit};
use crate::context::WorkflowContext;

/// A distribution of measurements: a handle to one series of a metric.
///
/// Besides the exported buckets it keeps fine ones, so that percentiles read from Rust are within
/// 5 % however coarse the export is. Cloning gives another handle to the same distribution.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_core::Histogram;
///
/// let latency = Histogram::detached();
/// for ms in 1..=100 {
///     latency.record(Duration::from_millis(ms));
/// }
/// let p50 = latency.distribution().percentile(50.0);
/// assert!((0.047..0.053).contains(&p50));
/// ```
#[derive(Clone, Debug)]
pub struct Histogram {
    core: Arc<Core>,
}

#[derive(Debug)]
struct Core {
    bounds: Arc<Bounds>,
    scale: f64,
    cells: PerThread<DistributionCells>,
    exemplars: BucketExemplars,
}

impl Histogram {
    /// A histogram of durations with the default bounds that no registry knows.
    pub fn detached() -> Self {
        Self::with_cells(DURATION_BOUNDS, Unit::Seconds, PerThread::shared)
    }

    /// A histogram that a registry keeps.
    pub(crate) fn registered(bounds: &[f64], unit: Unit) -> Self {
        Self::with_cells(bounds, unit, PerThread::new)
    }

    fn with_cells(
        bounds: &[f64],
        unit: Unit,
        cells: impl FnOnce(
            Box<dyn Fn() -> DistributionCells + Send + Sync>,
        ) -> PerThread<DistributionCells>,
    ) -> Self {
        let bounds = Bounds::shared(bounds, unit.scale());
        let exemplars = BucketExemplars::new(bounds.exported());
        let shape = Arc::clone(&bounds);
        let cells = cells(Box::new(move || DistributionCells::new(&shape, 1)));
        Self {
            core: Arc::new(Core {
                bounds,
                scale: unit.scale(),
                cells,
                exemplars,
            }),
        }
    }

    /// Records a duration.
    #[inline]
    pub fn record(&self, duration: Duration) {
        self.record_units(nanos(duration));
    }

    /// Records a duration, and remembers the trace of `ctx` as an example of it.
    #[inline]
    pub fn record_in(&self, duration: Duration, ctx: &WorkflowContext) {
        self.record_nanos_in(nanos(duration), ctx);
    }

    /// The same for a duration that is counted in nanoseconds already.
    #[doc(hidden)]
    #[inline]
    pub fn record_nanos_in(&self, nanos: u64, ctx: &WorkflowContext) {
        let position = self.record_units(nanos);
        if ExemplarFilter::admits_in(ctx)
            && let Some(slot) = self.core.exemplars.slot(position)
        {
            slot.offer_now(nanos as f64 / Unit::Seconds.scale(), ctx);
        }
    }

    /// Records a value in the metric's unit.
    ///
    /// Not a number, an infinity or a negative value is refused and counted by
    /// [`refused_measurements`](super::refused_measurements).
    #[inline]
    pub fn record_value(&self, value: f64) {
        if let Some(units) = checked_units(value, self.core.scale) {
            self.record_units(units);
        }
    }

    /// What has been recorded so far.
    pub fn distribution(&self) -> Distribution {
        let mut distribution = Distribution::empty(&self.core.bounds, self.core.scale, 1);
        self.core.cells.each(|cells| distribution.absorb(cells));
        distribution
    }

    /// The latest example of each exported bucket.
    pub fn exemplars(&self) -> Vec<Option<Exemplar>> {
        let exemplars = &self.core.exemplars;
        (0..exemplars.len())
            .map(|bucket| exemplars.latest(bucket))
            .collect()
    }

    /// Reads what is exported: the buckets with their examples into `buckets`, whatever is there, and
    /// the sum in the metric's unit.
    pub(crate) fn read_buckets(&self, buckets: &mut Vec<BucketCount>) -> f64 {
        let Core {
            bounds,
            cells,
            exemplars,
            scale,
        } = &*self.core;
        read_buckets(bounds, exemplars, buckets, |visit| cells.each(visit)) as f64 / scale
    }

    #[inline]
    fn record_units(&self, units: u64) -> usize {
        self.core
            .cells
            .with(|cells, writer| cells.record(&self.core.bounds, writer, 0, units))
    }
}

/// What one thread has recorded: exported buckets for each outcome, and fine ones for all.
#[derive(Debug)]
pub(crate) struct DistributionCells {
    sum: AtomicU64,
    /// One row of exported buckets after the other, one row an outcome.
    exported: Box<[AtomicU64]>,
    row: usize,
    /// Made when first needed: the values of one step lie within a few doublings.
    fine: Box<[OnceLock<FineChunk>]>,
}

type FineChunk = Box<[AtomicU64; FINE_PER_OCTAVE]>;

impl DistributionCells {
    pub(crate) fn new(bounds: &Bounds, outcomes: usize) -> Self {
        let row = bounds.exported();
        Self {
            sum: AtomicU64::new(0),
            exported: (0..row * outcomes).map(|_| AtomicU64::new(0)).collect(),
            row,
            fine: (0..FINE_CHUNKS).map(|_| OnceLock::new()).collect(),
        }
    }

    /// How many values were recorded with this outcome.
    pub(crate) fn count_of(&self, outcome: usize) -> u64 {
        let row = self.exported.chunks(self.row).nth(outcome);
        let cells = row.unwrap_or_default().iter();
        cells.map(|cell| cell.load(Ordering::Relaxed)).sum()
    }

    /// How many values were recorded.
    pub(crate) fn count(&self) -> u64 {
        let cells = self.exported.iter();
        cells.map(|cell| cell.load(Ordering::Relaxed)).sum()
    }

    /// Counts a value and tells the exported bucket it fell into.
    #[inline]
    pub(crate) fn record(
        &self,
        bounds: &Bounds,
        writer: Writer,
        outcome: usize,
        value: u64,
    ) -> usize {
        let position = bounds.position(value);
        if let Some(cell) = self.exported.get(outcome * self.row + position.exported) {
            writer.add(cell, 1);
        }
        if let Some(chunk) = self.fine.get(position.chunk) {
            let chunk = chunk.get_or_init(Box::default);
            if let Some(cell) = chunk.get(position.offset) {
                writer.add(cell, 1);
            }
        }
        writer.add(&self.sum, value);
        position.exported
    }
}

impl Cells for DistributionCells {
    #[inline]
    fn with_table<R>(f: impl FnOnce(&RefCell<Table<Self>>) -> R) -> Option<R> {
        TABLE.try_with(f).ok()
    }
}

/// Reads the exported buckets of all cells that `each` shows, of all outcomes together, and the sum
/// in stored units.
pub(crate) fn read_buckets(
    bounds: &Bounds,
    exemplars: &BucketExemplars,
    buckets: &mut Vec<BucketCount>,
    each: impl FnOnce(&mut dyn FnMut(&DistributionCells)),
) -> u64 {
    // What was read before has the same bounds as a rule, and is written over in place.
    buckets.resize(bounds.exported(), NOTHING);
    let (bounded, rest) = buckets.split_at_mut(bounds.shown().len());
    for (bucket, upper) in bounded.iter_mut().zip(bounds.shown()) {
        *bucket = BucketCount {
            upper: *upper,
            ..NOTHING
        };
    }
    rest.fill(NOTHING);
    if exemplars.is_used() {
        for (index, bucket) in buckets.iter_mut().enumerate() {
            bucket.exemplar = exemplars.latest(index);
        }
    }
    let mut sum = 0_u64;
    each(&mut |cells| {
        sum = sum.wrapping_add(cells.sum.load(Ordering::Relaxed));
        for row in cells.exported.chunks(cells.row) {
            for (bucket, cell) in buckets.iter_mut().zip(row) {
                bucket.count += cell.load(Ordering::Relaxed);
            }
        }
    });
    sum
}

const NOTHING: BucketCount = BucketCount {
    upper: f64::INFINITY,
    count: 0,
    exemplar: None,
};

/// A distribution at one moment.
#[derive(Clone, Debug)]
pub struct Distribution {
    bounds: Vec<f64>,
    scale: f64,
    sum: u64,
    /// One row of exported buckets after the other, one row an outcome.
    exported: Vec<u64>,
    fine: Vec<u64>,
}

impl Distribution {
    pub(crate) fn empty(bounds: &Bounds, scale: f64, outcomes: usize) -> Self {
        Self {
            bounds: bounds.shown().to_vec(),
            scale,
            sum: 0,
            exported: vec![0; bounds.exported() * outcomes],
            fine: vec![0; FINE_CHUNKS * FINE_PER_OCTAVE],
        }
    }

    pub(crate) fn absorb(&mut self, cells: &DistributionCells) {
        self.sum = self.sum.wrapping_add(cells.sum.load(Ordering::Relaxed));
        for (total, cell) in self.exported.iter_mut().zip(&cells.exported) {
            *total += cell.load(Ordering::Relaxed);
        }
        for (totals, chunk) in self.fine.chunks_mut(FINE_PER_OCTAVE).zip(&cells.fine) {
            let Some(chunk) = chunk.get() else { continue };
            for (total, cell) in totals.iter_mut().zip(chunk.iter()) {
                *total += cell.load(Ordering::Relaxed);
            }
        }
    }

    /// Both together, with no exported bucket but the one without a bound.
    pub(crate) fn merged(&self, other: &Self) -> Self {
        let outcomes = self.exported.len() / (self.bounds.len() + 1);
        Self {
            bounds: Vec::new(),
            scale: self.scale,
            sum: self.sum.wrapping_add(other.sum),
            exported: (0..outcomes)
                .map(|outcome| self.count_of(outcome) + other.count_of(outcome))
                .collect(),
            fine: self
                .fine
                .iter()
                .zip(&other.fine)
                .map(|(one, other)| one + other)
                .collect(),
        }
    }

    /// What was recorded since `earlier`, an earlier reading of the same histogram.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let less = |now: &[u64], then: &[u64]| {
            now.iter()
                .zip(then)
                .map(|(now, then)| now.saturating_sub(*then))
                .collect()
        };
        Self {
            bounds: self.bounds.clone(),
            scale: self.scale,
            sum: self.sum.wrapping_sub(earlier.sum),
            exported: less(&self.exported, &earlier.exported),
            fine: less(&self.fine, &earlier.fine),
        }
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.exported.iter().sum()
    }

    /// How many values were recorded with this outcome.
    pub(crate) fn count_of(&self, outcome: usize) -> u64 {
        self.exported
            .chunks(self.bounds.len() + 1)
            .nth(outcome)
            .map_or(0, |row| row.iter().sum())
    }

    /// Their sum in the metric's unit.
    pub fn sum(&self) -> f64 {
        self.sum as f64 / self.scale
    }

    /// Their mean in the metric's unit; 0 when there are none.
    pub fn mean(&self) -> f64 {
        match self.count() {
            0 => 0.0,
            count => self.sum() / count as f64,
        }
    }

    /// The value in the metric's unit below which `percent` of the values lie, within 5 %; 0 when
    /// there are none. What is outside 0 to 100 is taken as the nearer end.
    pub fn percentile(&self, percent: f64) -> f64 {
        let count: u64 = self.fine.iter().sum();
        if count == 0 {
            return 0.0;
        }
        let share = if percent.is_nan() {
            0.0
        } else {
            percent.clamp(0.0, 100.0) / 100.0
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count is between 0 and the count"
        )]
        let rank = ((share * count as f64).ceil() as u64).max(1);
        let mut seen = 0;
        let found = self.fine.iter().position(|bucket| {
            seen += bucket;
            seen >= rank
        });
        let fine = found.unwrap_or(self.fine.len() - 1);
        fine_middle(fine / FINE_PER_OCTAVE, fine % FINE_PER_OCTAVE) / self.scale
    }

    /// The exported buckets, each with the number of values in it alone; the last has no bound.
    pub fn buckets(&self) -> Vec<BucketCount> {
        let row = self.bounds.len() + 1;
        let uppers = self.bounds.iter().copied().chain([f64::INFINITY]);
        uppers
            .enumerate()
            .map(|(i, upper)| {
                let count = self.exported.iter().skip(i).step_by(row).sum();
                BucketCount {
                    upper,
                    count,
                    exemplar: None,
                }
            })
            .collect()
    }
}

/// Whole nanoseconds; 584 years and more are one value.
#[inline]
pub(crate) fn nanos(duration: Duration) -> u64 {
    let whole = duration.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(u64::from(duration.subsec_nanos()))
}

thread_local! {
    static TABLE: RefCell<Table<DistributionCells>> = const { RefCell::new(Table::new()) };
}
