//! Which answers may be given again.

/// What a cache does with a result; see [`CacheConfig::with_verdict`](crate::CacheConfig::with_verdict).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheVerdict {
    /// Keeps it.
    Store,
    /// Keeps it as an answer that says there is none, for the
    /// [negative time to live](crate::CacheConfig::with_negative_ttl).
    StoreNegative,
    /// Does not keep it.
    Skip,
}
