#![doc = include_str!("../README.md")]

mod backoff;
mod budget;
mod catalog;
mod config;
mod ext;
mod hedge;
mod metrics;
mod outcome;
mod policy;
mod random;
mod retry;
mod wait;

pub use backoff::Backoff;
pub use budget::RetryBudget;
pub use catalog::CATALOG;
pub use config::RetryConfig;
pub use ext::RetryExt;
pub use hedge::{HedgeConfig, HedgePrimitive};
pub use policy::{FailedAttempt, RetryDecision, RetryPolicy};
pub use retry::RetryPrimitive;
