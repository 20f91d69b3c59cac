//! What leaves the process and what does not, seen where it arrives.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::float_cmp, reason = "the compared values are exact")]

#[path = "../support/mod.rs"]
mod support;

mod blocked;
mod canary;
mod child;
mod content;
mod reinit;
mod secrets;
mod spans;
