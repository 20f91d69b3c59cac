//! The tier in Redis, against real servers and against servers that lie.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking, as it does"
)]

mod answers;
mod cancelled;
mod down;
mod groups;
mod locks;
mod oversized;
mod processes;
mod refusals;
mod secrets;
mod slow;
mod support;
