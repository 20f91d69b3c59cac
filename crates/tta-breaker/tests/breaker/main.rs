//! A step behind a circuit breaker, as its user sees it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod composition;
mod configuration;
mod errors;
mod handle;
mod model;
mod observed;
mod opening;
mod recovery;
mod support;
