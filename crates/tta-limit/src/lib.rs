#![doc = include_str!("../README.md")]

mod bucket;
mod bulkhead;
mod bulkhead_primitive;
mod catalog;
mod config;
mod ext;
mod metrics;
mod queue;
mod rate_limit;
mod rate_limit_primitive;

pub use bulkhead::{Bulkhead, BulkheadPermit};
pub use bulkhead_primitive::BulkheadPrimitive;
pub use catalog::CATALOG;
pub use config::{BulkheadConfig, RateLimitConfig};
pub use ext::{Limit, LimitExt};
pub use rate_limit::RateLimit;
pub use rate_limit_primitive::RateLimitPrimitive;
