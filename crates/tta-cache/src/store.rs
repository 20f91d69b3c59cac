//! Entries in memory.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use quick_cache::sync::{Cache, PlaceholderGuard};
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};
use tta_core::{Error, ErrorKind, Result};

use crate::key::CacheKey;

/// Entries by key, bounded in number and bytes, and who is computing which.
///
/// What is held are reference counts, so that a user's `clone` and `drop` run where no lock is held.
pub(crate) struct Store<V> {
    cells: Cells<V>,
    share: Share,
    bytes: AtomicU64,
    /// Raised when everything is cleared: what was begun before is not to be answered with.
    generation: AtomicU64,
}

/// A result, with what is to be known of it.
pub(crate) struct Entry<V> {
    pub(crate) value: V,
    pub(crate) expires: Option<Instant>,
    pub(crate) cost_nano_usd: Option<u64>,
    pub(crate) bytes: u64,
    pub(crate) generation: u64,
}

/// What a look at a key finds.
pub(crate) enum Found<V> {
    Fresh(Arc<Entry<V>>),
    Expired(Arc<Entry<V>>),
    Absent,
}

/// The right to compute a key's value while others wait; dropped, it passes to one of them.
pub(crate) struct Lead<'a, V> {
    guard: PlaceholderGuard<'a, CacheKey, Arc<Entry<V>>, Weight, KeyHash, Collect>,
    pub(crate) generation: u64,
}

/// What came of storing an entry.
pub(crate) struct Stored<V> {
    /// Whether it was taken in; its key may have been invalidated meanwhile.
    pub(crate) admitted: bool,
    /// Whether it is there now.
    pub(crate) kept: bool,
    /// Entries that made room, with the new one among them if there was no room for it.
    pub(crate) evicted: Vec<Arc<Entry<V>>>,
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
            generation: AtomicU64::new(0),
        })
    }

    /// Looks a key up without waiting for anybody.
    pub(crate) fn find(&self, key: CacheKey, now: Instant) -> Found<V> {
        match self.cells.get(&key) {
            Some(entry) if self.is_outdated(&entry) => Found::Absent,
            Some(entry) if entry.has_expired(now) => Found::Expired(entry),
            Some(entry) => Found::Fresh(entry),
            None => Found::Absent,
        }
    }

    /// Waits for whoever computes the key, or takes the lead if nobody does. The entry may be
    /// [outdated](Self::is_outdated).
    pub(crate) async fn join(&self, key: CacheKey) -> Result<Arc<Entry<V>>, Lead<'_, V>> {
        self.cells
            .get_value_or_guard_async(&key)
            .await
            .map_err(|guard| Lead {
                guard,
                generation: self.generation.load(Ordering::Acquire),
            })
    }

    /// Stores an entry, unless its key was invalidated or everything cleared since the lead was
    /// taken.
    pub(crate) fn insert(&self, lead: Lead<'_, V>, entry: Entry<V>) -> Stored<V> {
        if !self.is_current(entry.generation) {
            return Stored {
                admitted: false,
                kept: false,
                evicted: Vec::new(),
            };
        }
        let entry = Arc::new(entry);
        let mut evicted = Vec::new();
        // Added before it can be evicted by another thread, which subtracts it.
        self.bytes.fetch_add(entry.bytes, Ordering::Relaxed);
        let inserted = lead
            .guard
            .insert_with_lifecycle(Arc::clone(&entry), &mut evicted);
        if inserted.is_err() {
            self.bytes.fetch_sub(entry.bytes, Ordering::Relaxed);
        }
        for gone in &evicted {
            self.bytes.fetch_sub(gone.bytes, Ordering::Relaxed);
        }
        let admitted = inserted.is_ok();
        Stored {
            admitted,
            kept: admitted && !evicted.iter().any(|gone| Arc::ptr_eq(gone, &entry)),
            evicted,
        }
    }

    /// Removes exactly this entry; whether it was still there.
    pub(crate) fn remove(&self, key: CacheKey, entry: &Arc<Entry<V>>) -> bool {
        let removed = self.cells.remove_if(&key, |held| Arc::ptr_eq(held, entry));
        self.left(removed).is_some()
    }

    /// Removes what is held under a key, and keeps what is being computed for it from being stored.
    pub(crate) fn invalidate(&self, key: CacheKey) -> Option<Arc<Entry<V>>> {
        let removed = self.cells.remove(&key);
        self.left(removed)
    }

    /// Removes everything, and keeps what is being computed from being stored.
    pub(crate) fn clear(&self) -> Vec<Arc<Entry<V>>> {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.cells
            .drain()
            .filter_map(|removed| self.left(Some(removed)))
            .collect()
    }

    /// Removes what has expired.
    pub(crate) fn evict_expired(&self, now: Instant) -> Vec<Arc<Entry<V>>> {
        let expired = self
            .cells
            .iter()
            .filter(|(_, entry)| entry.has_expired(now));
        expired
            .filter(|(key, entry)| self.remove(*key, entry))
            .map(|(_, entry)| entry)
            .collect()
    }

    /// Whether everything was cleared after the entry's computation had begun.
    pub(crate) fn is_outdated(&self, entry: &Entry<V>) -> bool {
        !self.is_current(entry.generation)
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

    fn is_current(&self, generation: u64) -> bool {
        generation == self.generation.load(Ordering::Acquire)
    }
}

impl<V> Entry<V> {
    pub(crate) fn has_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
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
    type RequestState = Vec<Arc<Entry<V>>>;

    fn on_evict(&self, evicted: &mut Self::RequestState, _: CacheKey, entry: Arc<Entry<V>>) {
        evicted.push(entry);
    }
}

/// Keys are hashes already.
#[derive(Clone)]
pub(crate) struct KeyHash;

impl BuildHasher for KeyHash {
    type Hasher = Low;

    fn build_hasher(&self) -> Low {
        Low(0)
    }
}

/// Passes on the 64 bits that it is given.
pub(crate) struct Low(u64);

impl Hasher for Low {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, low: u64) {
        self.0 = low;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.low());
    }
}

/// Fine enough for one entry in a billion, and far from overflow in sums.
const FINE_WHOLE: u64 = 1 << 40;

/// Tables grow when needed: no room is taken for more than these.
const LARGEST_ESTIMATE: u64 = 1 << 20;

/// A part holds 32 entries at least, so that it has 1 MiB where there are several.
const LARGE_VALUE: u64 = 32 << 10;
