//! Steps at a limit, as their user sees them.

mod bulkhead;
mod composition;
mod configuration;
mod observed;
mod rate_limit;
mod support;
