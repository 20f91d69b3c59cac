//! What a tier in Redis is told when it is built.

use std::time::Duration;

use tta_core::{Error, ErrorKind, Result, Secret};

use super::address::Address;

/// Where a Redis is and how long it may take.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_cache::RedisConfig;
///
/// let config = RedisConfig::new("redis://localhost:6379/")?
///     .with_prefix("shop")
///     .with_budget(Duration::from_millis(20));
/// # Ok::<(), tta_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RedisConfig {
    pub(super) address: Address,
    pub(super) prefix: String,
    pub(super) budget: Duration,
    pub(super) patience: Duration,
    pub(super) connection_timeout: Duration,
    pub(super) failures: u32,
    pub(super) authority: Option<String>,
    pub(super) sentinel: Option<(String, Secret)>,
    #[cfg(feature = "redis-pool")]
    pub(super) pool: Option<usize>,
}

impl RedisConfig {
    /// A Redis by its URL, whose password is never shown.
    ///
    /// | URL | what |
    /// |---|---|
    /// | `redis://user:password@host:6379/0` | one server |
    /// | `rediss://host:6380` | one server, by TLS |
    /// | `redis+cluster://host:7000,host:7001` | a cluster, by some of its nodes; `rediss+cluster` by TLS |
    /// | `redis+sentinel://host:26379,host:26379/mymaster/0` | the master that Sentinels name; `rediss+sentinel` by TLS |
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for anything else.
    pub fn new(url: impl AsRef<str>) -> Result<Self> {
        Ok(Self {
            address: Address::parse(url.as_ref())?,
            prefix: "tta".to_owned(),
            budget: Duration::from_millis(50),
            patience: Duration::from_millis(250),
            connection_timeout: Duration::from_secs(1),
            failures: 3,
            authority: None,
            sentinel: None,
            #[cfg(feature = "redis-pool")]
            pool: None,
        })
    }

    /// The user and password, instead of the URL's.
    pub fn with_credentials(
        mut self,
        user: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        self.address.user = Some(user.into());
        self.address.password = Some(password.into());
        self
    }

    /// The user and password for the Sentinels; without it they are asked as anybody.
    pub fn with_sentinel_credentials(
        mut self,
        user: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        self.sentinel = Some((user.into(), password.into()));
        self
    }

    /// What every key begins with; `tta` by default. A Redis that is shared with others is shared by
    /// prefix.
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long one operation of a caller may take; 50 ms by default. An operation that takes
    /// longer is given up, and the call computes.
    pub fn with_budget(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// How long callers may wait in vain, one after the other, within any 30 seconds; 250 ms by
    /// default. When it is used up, Redis is not asked before it has been some time.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// After how many failures in a row Redis is not asked any more; 3 by default.
    pub fn with_failures(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    /// How long connecting may take, in the background; one second by default.
    pub fn with_connection_timeout(mut self, timeout: Duration) -> Self {
        self.connection_timeout = timeout;
        self
    }

    /// The certificates (PEM) of the authorities that may vouch for the server, instead of the
    /// system's.
    pub fn with_authority(mut self, pem: impl Into<String>) -> Self {
        self.authority = Some(pem.into());
        self
    }

    /// Several connections, each used by one operation at a time, instead of one that all share.
    ///
    /// A fifth of the throughput; for a proxy that cannot take several commands at once on a
    /// connection. One server by `redis://` only.
    #[cfg(feature = "redis-pool")]
    pub fn with_pool(mut self, connections: usize) -> Self {
        self.pool = Some(connections);
        self
    }

    /// The same, if it can be worked with.
    pub(super) fn validated(self) -> Result<Self> {
        let wrong = |what: &'static str| Err(Error::new(ErrorKind::Configuration, what));
        if self.budget.is_zero() || self.connection_timeout.is_zero() {
            return wrong(
                "an operation needs time; give the budget and the connection timeout more than zero",
            );
        }
        if self.patience < self.budget {
            return wrong(
                "the patience is less than the budget of one operation; give it several budgets",
            );
        }
        if self.failures == 0 {
            return wrong(
                "a Redis that is not asked after no failure is never asked; give one failure or more",
            );
        }
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte);
        if self.prefix.is_empty() || self.prefix.len() > 64 || !self.prefix.bytes().all(fine) {
            return wrong("a prefix is 1 to 64 of `A-Z`, `a-z`, `0-9`, `.`, `_`, `-` and `:`");
        }
        #[cfg(feature = "redis-pool")]
        if let Some(connections) = self.pool {
            if connections == 0 {
                return wrong("a pool without connections answers nothing; give it one or more");
            }
            if self.address.tls || self.address.kind != super::address::Kind::Single {
                return wrong(
                    "a pool is for one server by `redis://`; leave the pool out for TLS, a cluster or Sentinels",
                );
            }
        }
        Ok(self)
    }
}
