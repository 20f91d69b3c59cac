#![doc = include_str!("../README.md")]

mod cache;
mod canonical;
mod catalog;
mod codec;
mod compression;
mod config;
mod envelope;
mod ext;
mod failure;
mod flight;
mod freshness;
mod key;
mod leading;
mod metrics;
mod outside;
#[cfg(feature = "redis")]
mod redis;
mod remote;
mod scope;
mod sip_hash;
mod stats;
mod store;
mod sync;
mod timer;
mod verdict;

pub use cache::CachePrimitive;
pub use catalog::CATALOG;
pub use codec::Codec;
#[cfg(feature = "json")]
pub use codec::Json;
#[cfg(feature = "postcard")]
pub use codec::Postcard;
pub use config::{CacheConfig, SharedConfig};
pub use ext::CacheExt;
pub use key::{CacheKey, KeyBuilder};
#[cfg(feature = "redis")]
pub use redis::{RedisConfig, RedisState, RedisTier};
pub use remote::{Fetched, Kept, Lock, LockToken, Remote, RemoteFuture, RemoteKey, Removed};
pub use scope::Scope;
pub use stats::CacheStats;
pub use verdict::CacheVerdict;
