//! Cells that one thread writes and any thread reads.
//!
//! A locked instruction costs 5 ns and ten times that when two cores want the same line; a plain
//! store by the only writer costs a quarter of one. So each thread owns a cell of each instrument
//! it uses, finds it by index in a thread-local table, and hands it to the next thread when it
//! ends. Cells are cumulative and never reset, so nothing is lost in handing over.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use super::forked;

/// How a cell may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// By this thread alone.
    Owner,
    /// By any thread at the same time.
    Shared,
}

impl Writer {
    /// Adds to a cell in the cheapest way that loses nothing.
    #[inline]
    pub(crate) fn add(self, cell: &AtomicU64, amount: u64) {
        match self {
            Self::Owner => {
                let value = cell.load(Ordering::Relaxed).wrapping_add(amount);
                cell.store(value, Ordering::Relaxed);
            }
            Self::Shared => {
                cell.fetch_add(amount, Ordering::Relaxed);
            }
        }
    }
}

/// What a thread owns of one instrument; made of atomics, so that others may read it at any time.
pub(crate) trait Cells: Send + Sync + Sized + 'static {
    /// The calling thread's table of this sort of cells, indexed by instrument.
    fn with_table<R>(f: impl FnOnce(&RefCell<Table<Self>>) -> R) -> Option<R>;
}

/// The cells of one instrument, one set for each thread that used it.
pub(crate) struct PerThread<C> {
    /// Where each thread's table holds this instrument's cells; none if all threads share one set.
    slot: Option<usize>,
    shape: Box<dyn Fn() -> C + Send + Sync>,
    owned: Mutex<Vec<Arc<Owned<C>>>>,
    /// For threads past the limit of owners and for threads that are ending; made when one comes, for
    /// most never do.
    shared: OnceLock<C>,
}

struct Owned<C> {
    taken: AtomicBool,
    cells: C,
}

impl<C: Cells> PerThread<C> {
    /// Cells for an instrument that lives as long as the process: a slot is never used again.
    pub(crate) fn new(shape: impl Fn() -> C + Send + Sync + 'static) -> Self {
        Self {
            slot: Some(NEXT_SLOT.fetch_add(1, Ordering::Relaxed)),
            shared: OnceLock::new(),
            shape: Box::new(shape),
            owned: Mutex::new(Vec::new()),
        }
    }

    /// Cells for an instrument that may go: one set that all threads share.
    pub(crate) fn shared(shape: impl Fn() -> C + Send + Sync + 'static) -> Self {
        Self {
            slot: None,
            shared: OnceLock::new(),
            shape: Box::new(shape),
            owned: Mutex::new(Vec::new()),
        }
    }

    /// Lends the calling thread's cells.
    #[inline]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&C, Writer) -> R) -> R {
        let Some(slot) = self.slot else {
            return f(self.shared_cells(), Writer::Shared);
        };
        let mut f = Some(f);
        let done = C::with_table(|table| {
            let table = table.try_borrow().ok()?;
            let owned = table.slots.get(slot)?.as_ref()?;
            Some(f.take()?(&owned.cells, Writer::Owner))
        });
        match (done.flatten(), f) {
            (Some(result), _) => result,
            (None, Some(f)) => self.with_new(slot, f),
            // `f` is taken only where its result is returned.
            (None, None) => unreachable!("a closure that was called has returned"),
        }
    }

    /// Visits every thread's cells.
    pub(crate) fn each(&self, mut f: impl FnMut(&C)) {
        if let Some(shared) = self.shared.get() {
            f(shared);
        }
        for owned in self.owned().iter().flat_map(|owned| owned.iter()) {
            f(&owned.cells);
        }
    }

    fn shared_cells(&self) -> &C {
        self.shared.get_or_init(&self.shape)
    }

    #[cold]
    fn with_new<R>(&self, slot: usize, f: impl FnOnce(&C, Writer) -> R) -> R {
        match self.take_over() {
            None => f(self.shared_cells(), Writer::Shared),
            Some(owned) => {
                let filed = C::with_table(|table| {
                    let mut table = table.try_borrow_mut().ok()?;
                    if table.slots.len() <= slot {
                        table.slots.resize_with(slot + 1, || None);
                    }
                    *table.slots.get_mut(slot)? = Some(Arc::clone(&owned));
                    Some(())
                });
                if filed.flatten().is_some() {
                    f(&owned.cells, Writer::Owner)
                } else {
                    owned.taken.store(false, Ordering::Release);
                    f(self.shared_cells(), Writer::Shared)
                }
            }
        }
    }

    /// Cells of a thread that has ended, or new ones, or none past the limit.
    fn take_over(&self) -> Option<Arc<Owned<C>>> {
        let mut owned = self.owned()?;
        let free = owned.iter().find(|cells| {
            // Acquire pairs with the release of the thread that ended: its last store is seen.
            cells
                .taken
                .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
        });
        if let Some(free) = free {
            return Some(Arc::clone(free));
        }
        if owned.len() >= MOST_OWNERS {
            return None;
        }
        let new = Arc::new(Owned {
            taken: AtomicBool::new(true),
            cells: (self.shape)(),
        });
        owned.push(Arc::clone(&new));
        Some(new)
    }

    fn owned(&self) -> Option<MutexGuard<'_, Vec<Arc<Owned<C>>>>> {
        // Nothing that could panic runs under the lock, and a list of cells has no half-way state.
        forked::lock(&self.owned)
    }
}

impl<C> fmt::Debug for PerThread<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerThread")
            .field("slot", &self.slot)
            .finish_non_exhaustive()
    }
}

/// A thread's cells of every instrument it has used, indexed by the instrument's slot.
pub(crate) struct Table<C> {
    slots: Vec<Option<Arc<Owned<C>>>>,
}

impl<C> Table<C> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new() }
    }
}

impl<C> Drop for Table<C> {
    fn drop(&mut self) {
        for owned in self.slots.iter().flatten() {
            owned.taken.store(false, Ordering::Release);
        }
    }
}

static NEXT_SLOT: AtomicUsize = AtomicUsize::new(0);

/// Past this many threads at once, the rest share one set of cells with locked instructions: a
/// blocking pool of hundreds of threads must not multiply the memory of every instrument.
const MOST_OWNERS: usize = 64;
