//! Values in Redis, over one connection that all callers share.

mod address;
mod breaker;
mod cluster;
mod config;
mod dial;
mod driver;
mod endpoint;
mod failure;
mod guard;
mod keys;
mod link;
mod locks;
#[cfg(feature = "redis-pool")]
mod pool;
mod report;
mod scan;
mod servers;
mod slots;
mod supervisor;
mod tls;
mod values;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tta_core::Result;

pub use self::breaker::RedisState;
pub use self::config::RedisConfig;

use self::address::Kind;
use self::cluster::Cluster;
use self::dial::{Destination, Dialer};
use self::endpoint::{Endpoint, Recipe};
use self::guard::Bounds;
use self::keys::Keys;
use self::locks::{Change, Locks};
use self::report::Changes;
use self::servers::Servers;
use crate::remote::{Fetched, Kept, Lock, LockToken, Remote, RemoteFuture, RemoteKey, Removed};

/// Keeps values in Redis.
///
/// It is built without touching the network, and connects in the background when it is first used.
/// All callers share one connection for each server, which lives on a thread of its own; callers
/// need no particular runtime, and whichever they have may end.
///
/// # Examples
///
/// ```
/// use tta_cache::{RedisConfig, RedisTier};
///
/// let tier = RedisTier::new(RedisConfig::new("redis://localhost:6379/")?)?;
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Cancellation
///
/// An operation that is dropped between command and reply leaves its reply to nobody: replies are
/// told apart by their order on the connection, which dropping does not change.
///
/// A clone is the same tier: caches that are given clones of one share its connection.
#[derive(Clone)]
pub struct RedisTier {
    tier: Arc<Tier>,
}

/// What the clones of a tier share.
struct Tier {
    servers: Servers,
    keys: Keys,
    bounds: Arc<Bounds>,
    locks: Locks,
    changes: Changes,
    budget: Duration,
}

impl RedisTier {
    /// A tier as `config` says.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](tta_core::ErrorKind::Configuration) for a configuration that
    /// cannot be worked with. A server that cannot be reached is none.
    pub fn new(config: RedisConfig) -> Result<Self> {
        let config = config.validated()?;
        let bounds = Arc::new(Bounds::new());
        let (keys, changes) = (Keys::new(config.prefix.clone()), Changes::default());
        let recipe = Recipe {
            dialer: Arc::new(Dialer::new(&config, Arc::clone(&bounds))?),
            probe_key: keys.probe(),
            budget: config.budget,
            patience: config.patience,
            failures: config.failures,
            clustered: config.address.kind == Kind::Cluster,
            changes: changes.clone(),
            #[cfg(feature = "redis-pool")]
            pool: config.pool,
        };
        let mut nodes = config.address.nodes.into_iter();
        let servers = match config.address.kind {
            Kind::Cluster => Servers::Cluster(Box::new(Cluster::new(nodes.collect(), recipe))),
            Kind::Sentinel(service) => {
                let sentinels = nodes.collect();
                let master = Destination::Master { service, sentinels };
                Servers::One(Arc::new(Endpoint::new(&recipe, master)))
            }
            Kind::Single => {
                let node = nodes.next().ok_or_else(|| {
                    tta_core::Error::new(tta_core::ErrorKind::Configuration, "name a host")
                })?;
                Servers::One(Arc::new(Endpoint::new(&recipe, Destination::Node(node))))
            }
        };
        let tier = Tier {
            servers,
            keys,
            bounds,
            locks: Locks::default(),
            changes,
            budget: config.budget,
        };
        Ok(Self {
            tier: Arc::new(tier),
        })
    }

    /// Whether Redis is asked; of a cluster the worst of its masters.
    pub fn state(&self) -> RedisState {
        self.tier.servers.state()
    }

    /// How often it has gone down or come up: as often as it was logged.
    pub fn changes(&self) -> u64 {
        self.tier.changes.count()
    }
}

impl Remote for RedisTier {
    fn tier(&self) -> &'static str {
        report::TIER
    }

    fn fetch<'a>(&'a self, key: &'a RemoteKey, limit: usize) -> RemoteFuture<'a, Fetched> {
        Box::pin(self.tier.fetch_value(key, limit))
    }

    fn store<'a>(
        &'a self,
        key: &'a RemoteKey,
        bytes: &'a [u8],
        keep: Option<Duration>,
        tags: &'a [Arc<str>],
    ) -> RemoteFuture<'a, Kept> {
        Box::pin(self.tier.store_value(key, bytes, keep, tags))
    }

    fn remove<'a>(&'a self, key: &'a RemoteKey) -> RemoteFuture<'a, Removed> {
        Box::pin(self.tier.remove_value(key))
    }

    fn remove_tag<'a>(&'a self, namespace: &'a str, tag: &'a str) -> RemoteFuture<'a, Removed> {
        Box::pin(async move {
            let removed = self.tier.remove_tagged(namespace, tag).await;
            removed.map_or(Removed::Unavailable, Removed::Entries)
        })
    }

    fn clear<'a>(&'a self, namespace: &'a str) -> RemoteFuture<'a, Removed> {
        Box::pin(async move {
            let removed = self.tier.remove_all(namespace).await;
            removed.map_or(Removed::Unavailable, Removed::Entries)
        })
    }

    fn lock<'a>(&'a self, key: &'a RemoteKey, hold: Duration) -> RemoteFuture<'a, Lock> {
        Box::pin(self.tier.take_lock(key, hold))
    }

    fn renew<'a>(
        &'a self,
        key: &'a RemoteKey,
        token: LockToken,
        hold: Duration,
    ) -> RemoteFuture<'a, Lock> {
        Box::pin(async move {
            match self.tier.change_lock(key, token, Change::Keep(hold)).await {
                Ok(true) => Lock::Held(token),
                Ok(false) => Lock::Taken,
                Err(_) => Lock::Unavailable,
            }
        })
    }

    fn unlock<'a>(&'a self, key: &'a RemoteKey, token: LockToken) -> RemoteFuture<'a, ()> {
        Box::pin(async move {
            // What could not be given back runs out by itself.
            let _ = self.tier.change_lock(key, token, Change::GiveBack).await;
        })
    }
}

impl fmt::Debug for RedisTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTier")
            .field("servers", &self.tier.servers)
            .field("keys", &self.tier.keys)
            .field("budget", &self.tier.budget)
            .finish_non_exhaustive()
    }
}
