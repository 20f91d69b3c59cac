//! What crosses the edges of a process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
mod support;

mod carried;
mod client;
mod live;
mod messages;
mod propagation;
mod server;
