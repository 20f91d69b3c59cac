//! The tier in Redis, against real servers.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking, as it does"
)]

mod answers;
mod cluster;
mod configuration;
mod connections;
mod key;
mod locks;
mod processes;
mod sentinels;
mod support;
mod values;
mod waiting;
