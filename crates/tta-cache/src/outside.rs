//! The tier outside the process, as the cache sees it: entries instead of bytes.

mod lock;

pub(crate) use lock::HeldLock;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tta_core::{Clock, WorkflowContext};

use crate::config::{CacheConfig, SharedConfig};
use crate::envelope::{Envelope, Expected, OVERHEAD, UnixMillis, Unreadable};
use crate::freshness::{Ageing, Lifetime};
use crate::key::SharedKey;
use crate::remote::{Fetched, Kept, Lock, RemoteKey, Removed};
use crate::store::Entry;
use crate::timer::within;

/// The tier outside, and how entries are kept there.
pub(crate) struct Outside<V> {
    config: SharedConfig<V>,
    ageing: Ageing,
    memory_ttl: Option<Duration>,
    clock: Clock,
    wall_clock: fn() -> SystemTime,
}

/// Why the tier outside did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nothing {
    Absent,
    Expired,
    Corrupt,
    Unavailable,
}

/// What came of asking for the right to compute.
pub(crate) enum Right {
    Ours(HeldLock),
    Taken,
    /// There is nobody to ask, so that everybody has it.
    Free,
}

impl<V> Outside<V> {
    /// None if the configuration has no such tier.
    pub(crate) fn of<I>(config: &mut CacheConfig<I, V>) -> Option<Self> {
        Some(Self {
            config: config.shared.take()?,
            ageing: config.ageing,
            memory_ttl: config.memory_ttl,
            clock: config.clock,
            wall_clock: config.wall_clock,
        })
    }

    pub(crate) fn tier(&self) -> &'static str {
        self.config.remote.tier()
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.config.namespace
    }

    pub(crate) fn version(&self) -> u32 {
        self.config.version
    }

    /// How long to wait for the computation of another process; none if there is no waiting.
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.config.locks.then_some(self.config.wait)
    }
}

impl<V: 'static> Outside<V> {
    /// Looks a key up; what is there and is not what was asked for is removed.
    pub(crate) async fn fetch(
        &self,
        key: SharedKey,
        weigh: impl Fn(&V) -> u64,
    ) -> Result<Entry<V>, Nothing> {
        let address = self.address(key);
        let limit = self.config.limit.saturating_add(OVERHEAD);
        let read = match self.config.remote.fetch(&address, limit).await {
            Fetched::Found(bytes) if bytes.len() > limit => Err(Unreadable::Corrupt),
            Fetched::Found(bytes) => self.read(key, &bytes, weigh),
            Fetched::Absent => return Err(Nothing::Absent),
            Fetched::Unavailable => return Err(Nothing::Unavailable),
            Fetched::Corrupt => Err(Unreadable::Corrupt),
        };
        match read {
            Ok(Some(entry)) => Ok(entry),
            Ok(None) => Err(Nothing::Expired),
            Err(Unreadable::Foreign) => Err(Nothing::Absent),
            Err(Unreadable::Corrupt) => {
                let _ = self.config.remote.remove(&address).await;
                Err(Nothing::Corrupt)
            }
        }
    }

    /// Keeps an entry; whether it is known to be kept. The caller has its answer already, so that
    /// no more than half of the time that it has left is spent on this.
    pub(crate) async fn store(
        &self,
        key: SharedKey,
        entry: &Entry<V>,
        lifetime: Lifetime,
        ctx: &WorkflowContext,
    ) -> bool {
        let Ok(payload) = self.config.codec.encode(&entry.value) else {
            return false;
        };
        let tags: usize = entry.tags.iter().map(|tag| tag.len() + 2).sum();
        if payload.len() > self.config.limit || tags > MOST_TAGS {
            return false;
        }
        let now = UnixMillis::of((self.wall_clock)());
        let envelope = Envelope {
            computed: now,
            fresh_until: lifetime.fresh.map(|time| now.after(time)),
            kept_until: lifetime.kept.map(|time| now.after(time)),
            cost_nano_usd: entry.cost_nano_usd,
            took: entry.took,
            tags: entry.tags.clone(),
            payload,
        };
        let bytes = envelope.encode(&self.expected(key), self.config.compress_above);
        let address = self.address(key);
        let storing = self
            .config
            .remote
            .store(&address, &bytes, lifetime.kept, &envelope.tags);
        let time = ctx.remaining().map(|left| left / 2);
        within(time, storing).await == Some(Kept::Yes)
    }

    pub(crate) async fn remove(&self, key: SharedKey) -> Removed {
        self.config.remote.remove(&self.address(key)).await
    }

    pub(crate) async fn remove_tag(&self, tag: &str) -> Removed {
        self.config.remote.remove_tag(self.namespace(), tag).await
    }

    pub(crate) async fn clear(&self) -> Removed {
        self.config.remote.clear(self.namespace()).await
    }

    /// Asks for the right to compute a key's value.
    pub(crate) async fn claim(&self, key: SharedKey) -> Right {
        let address = self.address(key);
        let hold = self.config.hold;
        // Dropped when the right has been given and not yet been told of, it passes by itself.
        match self.config.remote.lock(&address, hold).await {
            Lock::Held(token) => Right::Ours(HeldLock::new(
                Arc::clone(&self.config.remote),
                address,
                token,
                hold,
            )),
            Lock::Taken => Right::Taken,
            Lock::Unavailable => Right::Free,
        }
    }

    /// The entry in some bytes; none if it is past its time.
    fn read(
        &self,
        key: SharedKey,
        bytes: &[u8],
        weigh: impl Fn(&V) -> u64,
    ) -> Result<Option<Entry<V>>, Unreadable> {
        let envelope = Envelope::decode(bytes, &self.expected(key))?;
        let today = UnixMillis::of((self.wall_clock)());
        if envelope.kept_until.is_some_and(|end| end <= today) {
            return Ok(None);
        }
        let codec = &self.config.codec;
        let decoded = codec.decode(&envelope.payload);
        let value = decoded.map_err(|_| Unreadable::Corrupt)?;
        let now = (self.clock)();
        Ok(Some(Entry {
            bytes: weigh(&value),
            value,
            fresh_until: envelope
                .fresh_until
                .and_then(|end| self.on_our_clock(end, today, now)),
            memory_until: self.memory_ttl.and_then(|ttl| now.checked_add(ttl)),
            cost_nano_usd: envelope.cost_nano_usd,
            took: envelope.took,
            tags: envelope.tags,
            from_outside: true,
        }))
    }

    /// A time of the clock that all processes share, on this process's own.
    fn on_our_clock(&self, end: UnixMillis, today: UnixMillis, now: Instant) -> Option<Instant> {
        if end <= today {
            return Some(now.checked_sub(today.since(end)).unwrap_or(now));
        }
        // A process whose clock is ahead must not make values live longer than they may here.
        let left = end.since(today);
        let left = self.ageing.ttl.map_or(left, |ttl| left.min(ttl));
        now.checked_add(left)
    }

    fn expected(&self, key: SharedKey) -> Expected {
        Expected {
            key,
            version: self.config.version,
            codec: self.config.codec.name(),
            limit: self.config.limit,
        }
    }

    fn address(&self, key: SharedKey) -> RemoteKey {
        RemoteKey::new(&self.config.namespace, key.address)
    }
}

impl<V> fmt::Debug for Outside<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.config, f)
    }
}

/// Half of what an envelope may be longer than its value.
const MOST_TAGS: usize = OVERHEAD / 2;
