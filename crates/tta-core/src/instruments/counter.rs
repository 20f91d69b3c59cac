//! A sum that only grows.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cells::{Cells, PerThread, Table};
use super::checked_units;
use super::exemplar::{Exemplar, ExemplarSlot};
use crate::catalog::Unit;
use crate::context::WorkflowContext;

/// A sum that only grows: a handle to one series of a metric.
///
/// Cloning gives another handle to the same sum. A handle from
/// [`Registry::counter`](super::Registry::counter) is exported; one from [`Counter::detached`]
/// is for the owner alone.
///
/// # Examples
///
/// ```
/// use tta_core::{Counter, Unit};
///
/// let spent = Counter::detached(Unit::UsDollars);
/// spent.add(0.001_5);
/// spent.add(f64::NAN); // refused and counted, see `refused_measurements`
/// assert_eq!(spent.total(), 0.001_5);
/// ```
#[derive(Clone, Debug)]
pub struct Counter {
    core: Arc<Core>,
}

#[derive(Debug)]
struct Core {
    cells: PerThread<SumCell>,
    exemplar: ExemplarSlot,
    scale: f64,
}

impl Counter {
    /// A counter that no registry knows.
    pub fn detached(unit: Unit) -> Self {
        Self::with_cells(PerThread::shared(SumCell::default), unit)
    }

    /// A counter that a registry keeps.
    pub(crate) fn registered(unit: Unit) -> Self {
        Self::with_cells(PerThread::new(SumCell::default), unit)
    }

    fn with_cells(cells: PerThread<SumCell>, unit: Unit) -> Self {
        Self {
            core: Arc::new(Core {
                cells,
                exemplar: ExemplarSlot::default(),
                scale: unit.scale(),
            }),
        }
    }

    /// Adds one.
    #[inline]
    pub fn increment(&self) {
        self.add_units(1);
    }

    /// Adds one, and remembers the trace of `ctx` as an example of what was counted.
    #[inline]
    pub fn increment_in(&self, ctx: &WorkflowContext) {
        self.increment();
        self.core.exemplar.offer(1.0, ctx);
    }

    /// Adds an amount in the metric's unit.
    ///
    /// Not a number, an infinity or a negative amount is refused and counted by
    /// [`refused_measurements`](super::refused_measurements).
    #[inline]
    pub fn add(&self, amount: f64) {
        if let Some(units) = checked_units(amount, self.core.scale) {
            self.add_units(units);
        }
    }

    /// [Adds](Self::add), and remembers the trace of `ctx` as an example of what was counted.
    #[inline]
    pub fn add_in(&self, amount: f64, ctx: &WorkflowContext) {
        if let Some(units) = checked_units(amount, self.core.scale) {
            self.add_units(units);
            self.core.exemplar.offer(amount, ctx);
        }
    }

    /// Adds whole stored units: billionths for seconds and dollars, ones for the rest. Past 2^64 the
    /// sum starts at zero again, which readers take for a restart of the process.
    #[inline]
    pub fn add_units(&self, units: u64) {
        self.core
            .cells
            .with(|cell, writer| writer.add(&cell.0, units));
    }

    /// The sum in the metric's unit.
    pub fn total(&self) -> f64 {
        self.units() as f64 / self.core.scale
    }

    /// The sum in whole stored units.
    pub fn units(&self) -> u64 {
        let mut sum = 0_u64;
        self.core
            .cells
            .each(|cell| sum = sum.wrapping_add(cell.0.load(Ordering::Relaxed)));
        sum
    }

    /// The latest example of what was counted.
    pub fn exemplar(&self) -> Option<Exemplar> {
        self.core.exemplar.latest()
    }
}

#[derive(Debug, Default)]
struct SumCell(AtomicU64);

impl Cells for SumCell {
    #[inline]
    fn with_table<R>(f: impl FnOnce(&RefCell<Table<Self>>) -> R) -> Option<R> {
        TABLE.try_with(f).ok()
    }
}

thread_local! {
    static TABLE: RefCell<Table<SumCell>> = const { RefCell::new(Table::new()) };
}
