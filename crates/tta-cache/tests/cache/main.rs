//! A step behind a cache, as its user sees it.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking, as it does"
)]

mod ageing;
mod answers;
mod clock;
mod coalescing;
mod composition;
mod eviction;
mod formats;
mod keys;
mod looking;
mod observed;
mod outside;
mod savings;
mod shelf;
mod support;
mod waiting;
