//! How telemetry lives and ends with its process: each scenario in a process of its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod child;
mod clock;
mod ending;
mod exhausted;
mod forked;
mod shutdown;
mod signals;
#[path = "../support/mod.rs"]
mod support;
