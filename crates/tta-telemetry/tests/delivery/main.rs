//! What becomes of records on their way to a backend that misbehaves, and what judges that are not
//! ours make of those that arrive.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod child;
mod signals;
#[path = "../support/mod.rs"]
mod support;
#[cfg(feature = "tls")]
mod tls;
