//! What a cache has done.

/// What a cache has done since the process began, and what it holds.
///
/// The counts are those of the exported metrics: caches of one name share them, as they share their
/// [`PrimitiveMetrics`](tta_core::PrimitiveMetrics).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Lookups that were answered without computing, by whichever tier.
    pub hits: u64,
    /// Those of them that the tier outside the process answered.
    pub outside_hits: u64,
    /// Those of them that got a value past its time while it is computed anew.
    pub stale: u64,
    /// Lookups that found nothing to answer with.
    pub misses: u64,
    /// Hits that waited for the computation of another caller.
    pub coalesced: u64,
    /// Hits among all lookups, between 0 and 1; 0 when there were none.
    pub hit_rate: f64,
    /// Values that were computed anew in the background.
    pub refreshes: u64,
    /// Computations that failed and for which an older value stood in.
    pub stood_in: u64,
    /// Entries that went for want of room.
    pub evicted_by_capacity: u64,
    /// Entries that went because they had expired.
    pub evicted_expired: u64,
    /// Entries that went because the program asked for it.
    pub evicted_explicitly: u64,
    /// What the computations that hits avoided had cost, in US dollars, less what storing cost.
    pub saved_usd: f64,
    /// Entries that this cache holds in memory.
    pub entries: u64,
    /// Bytes that this cache holds in memory, as its weigher counts them.
    pub bytes: u64,
}
