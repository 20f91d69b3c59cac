//! Which traces are recorded, and which are kept.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod by_workflow;
mod cost;
mod head;
mod statistics;
#[path = "../support/mod.rs"]
mod support;
mod tail;
