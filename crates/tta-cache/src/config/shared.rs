//! How values are kept outside the process.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tta_core::{Error, ErrorKind, Result};

use crate::codec::Codec;
use crate::remote::Remote;

/// A tier outside the process, and how values are kept there.
#[must_use]
pub struct SharedConfig<V> {
    pub(crate) namespace: Arc<str>,
    pub(crate) remote: Arc<dyn Remote>,
    pub(crate) codec: Box<dyn Codec<V>>,
    pub(crate) version: u32,
    pub(crate) limit: usize,
    pub(crate) compress_above: Option<usize>,
    pub(crate) locks: bool,
    pub(crate) hold: Duration,
    pub(crate) wait: Duration,
}

impl<V> SharedConfig<V> {
    /// Keeps values in `remote` as `codec` writes them.
    ///
    /// The namespace tells the values of one cache from those of others in the same tier: 1 to 64 of
    /// `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`. Caches of one namespace share their values, so they
    /// have the same key function, the same type and the same codec.
    pub fn new(namespace: impl Into<Arc<str>>, remote: impl Remote, codec: impl Codec<V>) -> Self {
        Self {
            namespace: namespace.into(),
            remote: Arc::new(remote),
            codec: Box::new(codec),
            version: 0,
            limit: 1 << 20,
            compress_above: None,
            locks: true,
            hold: Duration::from_secs(5),
            wait: Duration::from_secs(30),
        }
    }

    /// The version of the values: raise it when their type or their meaning changes, and values of
    /// other versions are not read. 0 by default.
    pub fn with_version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// How many bytes a value may take, encoded and before it is compressed; 1 MiB by default. A
    /// larger one is kept in memory only, and one that is found is removed.
    pub fn with_max_value_bytes(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Compresses values of more than so many bytes; none by default.
    #[cfg(feature = "zstd")]
    pub fn with_compression_above(mut self, bytes: usize) -> Self {
        self.compress_above = Some(bytes);
        self
    }

    /// How long the other processes wait for one that was killed while it computed; 5 s by default.
    /// A process that lives keeps its right for as long as it computes.
    pub fn with_lock_hold(mut self, hold: Duration) -> Self {
        self.hold = hold;
        self
    }

    /// How long a process waits for the computation of another one before it computes by itself;
    /// 30 s by default, and never longer than its deadline.
    pub fn with_lock_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Lets each process compute for itself.
    pub fn without_lock(mut self) -> Self {
        self.locks = false;
        self
    }

    pub(super) fn validated(self) -> Result<Self> {
        let refuse = |message| Err(Error::new(ErrorKind::Configuration, message));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(1..=64).contains(&self.namespace.len()) || !self.namespace.bytes().all(is_plain) {
            return refuse(
                "a namespace is 1 to 64 letters, digits, dots, underscores and hyphens of ASCII",
            );
        }
        if !(1..=LARGEST).contains(&self.limit) {
            return refuse("a value may take at least one byte and at most 256 MiB");
        }
        if self.locks && (self.hold < SHORTEST_HOLD || self.hold > LONGEST_HOLD) {
            return refuse("a lock is held for 100 milliseconds to 10 minutes");
        }
        Ok(self)
    }
}

impl<V> fmt::Debug for SharedConfig<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedConfig")
            .field("namespace", &self.namespace)
            .field("remote", &self.remote)
            .field("codec", &self.codec)
            .field("version", &self.version)
            .field("max_value_bytes", &self.limit)
            .field("locks", &self.locks)
            .finish_non_exhaustive()
    }
}

/// Half of what Redis takes; what is larger does not belong into a cache.
const LARGEST: usize = 256 << 20;

/// A lock is renewed three times in its time, over a network.
const SHORTEST_HOLD: Duration = Duration::from_millis(100);
const LONGEST_HOLD: Duration = Duration::from_mins(10);
