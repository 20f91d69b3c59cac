//! The core through its public API, one subject a file.
//!
//! Instruments are shared by name within a process, so every step whose numbers are looked at has a
//! name of its own.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod boundaries;
mod cancellation;
mod cancelling;
mod cardinality;
mod composition;
mod conformance;
mod context;
mod errors;
mod fallback;
mod handles;
mod idempotence;
mod metrics;
mod noted;
mod observed;
mod panics;
mod parallel;
mod registry;
mod saga;
mod sampling;
mod send;
mod shown;
mod spawn;
mod switch;
mod threads;

use tta_core::{Error, ErrorKind, Flow, Observed, Primitive, step};

/// A step that doubles.
fn double(name: &'static str) -> Flow<Observed<impl Primitive<Input = u64, Output = u64>>> {
    step(name, async |n: u64| Ok(n * 2))
}

/// A step that cannot be reached.
fn down(name: &'static str) -> Flow<Observed<impl Primitive<Input = u64, Output = u64>>> {
    step(name, async |_: u64| {
        Err::<u64, _>(Error::new(ErrorKind::Unavailable, "it is down"))
    })
}
