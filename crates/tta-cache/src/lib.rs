#![doc = include_str!("../README.md")]

mod cache;
mod catalog;
mod config;
mod ext;
mod key;
mod metrics;
#[cfg(feature = "redis")]
mod redis;
mod remote;
mod scope;
mod stats;
mod store;

pub use cache::CachePrimitive;
pub use catalog::CATALOG;
pub use config::CacheConfig;
pub use ext::CacheExt;
pub use key::{CacheKey, KeyBuilder};
#[cfg(feature = "redis")]
pub use redis::{RedisConfig, RedisState, RedisTier};
pub use remote::{Fetched, Kept, Lock, LockToken, Remote, RemoteFuture, RemoteKey, Removed};
pub use scope::Scope;
pub use stats::CacheStats;
