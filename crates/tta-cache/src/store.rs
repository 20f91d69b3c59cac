//! Entries in memory.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};
use tta_core::{Error, ErrorKind, Result};

use crate::freshness::{Age, Ageing};
use crate::key::{CacheKey, KeyHash};

/// Entries by key, bounded in number and bytes.
///
/// What is held are reference counts, so that a user's `clone` and `drop` run where no lock is held.
pub(crate) struct Store<V> {
    cells: Cells<V>,
    share: Share,
    bytes: AtomicU64,
}

/// A result, with what is to be known of it.
pub(crate) struct Entry<V> {
    pub(crate) value: V,
    pub(crate) fresh_until: Option<Instant>,
    /// When memory is not to answer any more without asking the tier behind it.
    pub(crate) memory_until: Option<Instant>,
    pub(crate) cost_nano_usd: Option<u64>,
    /// How long its computation took.
    pub(crate) took: Duration,
    pub(crate) bytes: u64,
    pub(crate) tags: Vec<Arc<str>>,
    /// Whether it came from outside the process.
    pub(crate) from_outside: bool,
}

/// What came of storing an entry.
pub(crate) struct Stored<V> {
    /// Whether it is there now.
    pub(crate) kept: bool,
    /// Entries that made room, with the new one among them if there was no room for it.
    pub(crate) evicted: Vec<Arc<Entry<V>>>,
    /// The entry of the same key that it took the place of.
    pub(crate) replaced: Option<Arc<Entry<V>>>,
}

impl<V> Store<V> {
    /// Room for so many entries, and so many bytes if they are counted.
    pub(crate) fn new(entries: u64, bytes: Option<u64>) -> Result<Self> {
        let share = Share { entries, bytes };
        let estimate = share.estimated_entries();
        let options = OptionsBuilder::new()
            .estimated_items_capacity(estimate)
            .weight_capacity(share.whole())
            .build()
            .map_err(|error| {
                let message = format!("a cache cannot be made this large: {error}");
                Error::new(ErrorKind::Configuration, message)
            })?;
        Ok(Self {
            cells: Cache::with_options(options, Weight(share), KeyHash, Collect),
            share,
            bytes: AtomicU64::new(0),
        })
    }

    /// Looks a key up.
    #[inline]
    pub(crate) fn find(&self, key: CacheKey) -> Option<Arc<Entry<V>>> {
        self.cells.get(&key)
    }

    /// Stores an entry in place of what is there.
    pub(crate) fn insert(&self, key: CacheKey, entry: &Arc<Entry<V>>) -> Stored<V> {
        let mut out = Vec::new();
        // Added before it can be evicted by another thread, which subtracts it.
        self.bytes.fetch_add(entry.bytes, Ordering::Relaxed);
        self.cells
            .insert_with_lifecycle(key, Arc::clone(entry), &mut out);
        let (mut replaced, mut evicted) = (None, Vec::new());
        for (of, gone) in out {
            self.bytes.fetch_sub(gone.bytes, Ordering::Relaxed);
            if of == key && !Arc::ptr_eq(&gone, entry) {
                replaced = Some(gone);
            } else {
                evicted.push(gone);
            }
        }
        Stored {
            kept: !evicted.iter().any(|gone| Arc::ptr_eq(gone, entry)),
            evicted,
            replaced,
        }
    }

    /// Removes exactly this entry; whether it was still there.
    pub(crate) fn remove(&self, key: CacheKey, entry: &Arc<Entry<V>>) -> bool {
        let removed = self.cells.remove_if(&key, |held| Arc::ptr_eq(held, entry));
        self.left(removed).is_some()
    }

    /// Removes what is held under a key.
    pub(crate) fn take(&self, key: CacheKey) -> Option<Arc<Entry<V>>> {
        let removed = self.cells.remove(&key);
        self.left(removed)
    }

    /// Removes everything.
    pub(crate) fn clear(&self) -> Vec<Arc<Entry<V>>> {
        self.cells
            .drain()
            .filter_map(|removed| self.left(Some(removed)))
            .collect()
    }

    /// Removes what an age or a tag says is to go. Looks at every entry.
    pub(crate) fn remove_where(&self, goes: impl Fn(&Entry<V>) -> bool) -> Vec<Arc<Entry<V>>> {
        let chosen = self.cells.iter().filter(|(_, entry)| goes(entry));
        chosen
            .filter(|(key, entry)| self.remove(*key, entry))
            .map(|(_, entry)| entry)
            .collect()
    }

    pub(crate) fn len(&self) -> u64 {
        self.cells.len() as u64
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn left(&self, removed: Option<(CacheKey, Arc<Entry<V>>)>) -> Option<Arc<Entry<V>>> {
        let (_, entry) = removed?;
        self.bytes.fetch_sub(entry.bytes, Ordering::Relaxed);
        Some(entry)
    }
}

impl<V> Entry<V> {
    /// What it is good for.
    #[inline]
    pub(crate) fn age(&self, ageing: &Ageing, now: Instant) -> Age {
        match self.fresh_until {
            Some(end) if end <= now => ageing.age(now.saturating_duration_since(end)),
            _ => Age::Fresh,
        }
    }

    /// Whether the tier behind memory is to be asked again.
    #[inline]
    pub(crate) fn is_to_be_checked(&self, now: Instant) -> bool {
        self.memory_until.is_some_and(|end| end <= now)
    }

    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| **own == *tag)
    }
}

/// Drops entries one by one: a value whose destructor panics takes nobody else along.
pub(crate) fn let_go<V>(entries: impl IntoIterator<Item = Arc<Entry<V>>>) {
    for entry in entries {
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(entry)));
        // The panic's hook has told of it. Its payload is the user's too, and may do it again.
        std::mem::forget(dropped);
    }
}

impl<V> Drop for Store<V> {
    fn drop(&mut self) {
        let_go(self.cells.drain().map(|(_, entry)| entry));
    }
}

impl<V> fmt::Debug for Store<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("share", &self.share)
            .field("entries", &self.len())
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

type Cells<V> = Cache<CacheKey, Arc<Entry<V>>, Weight, KeyHash, Collect>;

/// What part of the whole an entry takes: the larger of its share of the entries and its share of
/// the bytes, so that neither limit is passed.
#[derive(Clone, Copy, Debug)]
struct Share {
    entries: u64,
    bytes: Option<u64>,
}

impl Share {
    fn whole(self) -> u64 {
        match self.bytes {
            Some(_) => FINE_WHOLE,
            None => self.entries,
        }
    }

    /// How many entries to expect. The estimate decides only into how many parts, each with a lock
    /// of its own, the table is cut: a value must fit into one of them.
    fn estimated_entries(self) -> usize {
        let by_bytes = self.bytes.map_or(u64::MAX, |bytes| bytes / LARGE_VALUE);
        let entries = self.entries.min(by_bytes).clamp(1, LARGEST_ESTIMATE);
        usize::try_from(entries).unwrap_or(usize::MAX)
    }

    fn of(self, bytes: u64) -> u64 {
        let Some(room) = self.bytes else { return 1 };
        let whole = u128::from(FINE_WHOLE);
        let by_number = whole.div_ceil(u128::from(self.entries));
        let by_bytes = (u128::from(bytes) * whole).div_ceil(u128::from(room));
        // Twice the whole never fits, and sums of it never overflow.
        u64::try_from(by_number.max(by_bytes))
            .map_or(FINE_WHOLE * 2, |share| share.min(FINE_WHOLE * 2))
    }
}

#[derive(Clone)]
pub(crate) struct Weight(Share);

impl<V> Weighter<CacheKey, Arc<Entry<V>>> for Weight {
    fn weight(&self, _: &CacheKey, entry: &Arc<Entry<V>>) -> u64 {
        self.0.of(entry.bytes)
    }
}

/// Hands what is evicted to the caller, who drops it when no lock is held.
#[derive(Clone)]
pub(crate) struct Collect;

impl<V> Lifecycle<CacheKey, Arc<Entry<V>>> for Collect {
    type RequestState = Vec<(CacheKey, Arc<Entry<V>>)>;

    fn on_evict(&self, evicted: &mut Self::RequestState, key: CacheKey, entry: Arc<Entry<V>>) {
        evicted.push((key, entry));
    }
}

/// Fine enough for one entry in a billion, and far from overflow in sums.
const FINE_WHOLE: u64 = 1 << 40;

/// Tables grow when needed: no room is taken for more than these.
const LARGEST_ESTIMATE: u64 = 1 << 20;

/// A part holds 32 entries at least, so that it has 1 MiB where there are several.
const LARGE_VALUE: u64 = 32 << 10;
