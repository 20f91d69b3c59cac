//! Which traces are recorded, and which are kept.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::float_cmp, reason = "counts are whole")]

mod by_workflow;
mod head;
mod statistics;
#[path = "../support/mod.rs"]
mod support;
mod tail;
mod variables;
