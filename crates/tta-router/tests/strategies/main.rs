//! What each strategy chooses, and from what.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cheapest_within;
mod custom;
mod explained;
mod health_aware;
mod least_in_flight;
mod lowest_latency;
mod named;
mod presets;
mod sticky;
mod support;
mod weighted;
