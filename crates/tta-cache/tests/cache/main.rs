//! A step behind a cache, as its user sees it.

mod ageing;
mod answers;
mod coalescing;
mod eviction;
mod keys;
mod observed;
mod outside;
mod savings;
mod shelf;
mod support;
