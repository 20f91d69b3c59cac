//! Real servers on free loopback ports, gone when their value is dropped.
//!
//! ```no_run
//! use tta_testkit::require;
//! use tta_testkit::servers::RedisServer;
//!
//! fn a_test_with_redis() {
//!     let redis = require!(RedisServer::start());
//!     assert!(redis.url().starts_with("redis://127.0.0.1:"));
//! }
//! ```

mod alertmanager;
mod collector;
mod missing;
mod process;
mod prometheus;
mod redis;
mod redis_cluster;
mod redis_sentinel;
mod redis_tls;

pub use alertmanager::AlertmanagerServer;
pub use collector::{DebugSignal, OtlpCollector};
pub(crate) use missing::program;
pub use missing::{ServiceMissing, StartError, found};
pub use prometheus::{Exemplar, Labels, PrometheusOptions, PrometheusServer};
pub use redis::RedisServer;
pub use redis_cluster::RedisCluster;
pub use redis_sentinel::RedisSentinel;
