//! What faults of Redis cost: rows 39 to 45 and 47 of the table of faults.
//!
//! One after the other, since most of them measure time or memory of this process.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking, as it does"
)]

mod cancelled;
mod down;
mod groups;
mod oversized;
mod refusals;
mod secrets;
mod slow;
#[path = "../redis/support.rs"]
mod support;
mod told;

/// Held by the test that runs.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
