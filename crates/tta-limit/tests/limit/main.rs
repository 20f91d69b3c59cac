//! Steps at a limit, as their user sees them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bulkhead;
mod composition;
mod configuration;
mod observed;
mod rate_limit;
mod support;
