//! A step under a retry or a hedge, as its user sees it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod attempts;
mod backoff;
mod budget;
mod deadline;
mod hedge;
mod hedge_cost;
mod hedge_observed;
mod observed;
mod order;
mod policy;
mod refusal;
mod support;
