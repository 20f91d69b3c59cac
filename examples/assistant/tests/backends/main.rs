//! The demonstration as real backends see it: a real Prometheus, a real OTLP collector, a real
//! Redis, and a receiver that keeps every span it is sent.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod demo;
mod metrics;
mod redis;
mod traces;
