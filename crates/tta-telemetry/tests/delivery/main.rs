//! What becomes of records on their way to a backend that misbehaves, and what judges that are not
//! ours make of those that arrive.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod answers;
mod child;
mod dns;
mod feedback;
mod huge;
mod judged;
mod outage;
mod signals;
mod slow;
#[path = "../support/mod.rs"]
mod support;
mod throughput;
#[cfg(feature = "tls")]
mod tls;
