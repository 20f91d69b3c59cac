#![doc = include_str!("../README.md")]

mod catalog;
mod config;
mod ext;
mod metrics;
mod timeout;

pub use catalog::CATALOG;
pub use config::TimeoutConfig;
pub use ext::TimeoutExt;
pub use timeout::TimeoutPrimitive;
