//! A step behind a circuit breaker, as its user sees it.

mod composition;
mod configuration;
mod errors;
mod handle;
mod model;
mod observed;
mod opening;
mod recovery;
mod support;
