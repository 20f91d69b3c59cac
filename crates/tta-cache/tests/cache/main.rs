//! A step behind a cache, as its user sees it.

mod answers;
mod coalescing;
mod eviction;
mod observed;
mod savings;
mod support;
