//! How a cache is set up.

use std::fmt;
use std::time::{Duration, Instant};

use tta_core::{Clock, Error, ErrorKind, Result, WorkflowContext};

use crate::key::KeyBuilder;
use crate::scope::Scope;

/// What a [`CachePrimitive`](crate::CachePrimitive) keeps, for whom, how much and how long.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_cache::{CacheConfig, Scope};
///
/// let config = CacheConfig::new(Scope::Tenant("tenant_id".into()), |question: &String, _, key| {
///     key.text(question);
/// })
/// .with_capacity(50_000)
/// .with_capacity_bytes(64 << 20, |answer: &String| answer.len())
/// .with_ttl(Duration::from_secs(3600))
/// .with_store_if(|answer| !answer.is_empty());
/// ```
#[must_use]
pub struct CacheConfig<I, V> {
    pub(crate) scope: Scope,
    pub(crate) key: Box<KeyFunction<I>>,
    pub(crate) capacity: u64,
    pub(crate) bytes: Option<(u64, Box<Weigher<V>>)>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) store_if: Option<Box<Verdict<V>>>,
    pub(crate) cost_per_call: Option<f64>,
    pub(crate) clock: Clock,
}

type KeyFunction<I> = dyn Fn(&I, &WorkflowContext, &mut KeyBuilder) + Send + Sync;
type Weigher<V> = dyn Fn(&V) -> usize + Send + Sync;
type Verdict<V> = dyn Fn(&V) -> bool + Send + Sync;

impl<I, V> CacheConfig<I, V> {
    /// A cache of 10,000 entries that do not expire, shared by whom the scope says.
    ///
    /// `key` writes everything that makes the result what it is: of the input, and of the context
    /// where the step reads it. What it leaves out is answered alike.
    pub fn new(
        scope: Scope,
        key: impl Fn(&I, &WorkflowContext, &mut KeyBuilder) + Send + Sync + 'static,
    ) -> Self {
        Self {
            scope,
            key: Box::new(key),
            capacity: 10_000,
            bytes: None,
            ttl: None,
            store_if: None,
            cost_per_call: None,
            clock: Instant::now,
        }
    }

    /// How many entries there may be.
    pub fn with_capacity(mut self, entries: u64) -> Self {
        self.capacity = entries;
        self
    }

    /// How many bytes the values may take together, and how many one takes. Entries go when either
    /// this or the number of entries is reached. A value that is larger than the whole, or than
    /// 1 MiB in a cache that is larger still, may not be kept.
    pub fn with_capacity_bytes(
        mut self,
        bytes: u64,
        weigher: impl Fn(&V) -> usize + Send + Sync + 'static,
    ) -> Self {
        self.bytes = Some((bytes, Box::new(weigher)));
        self
    }

    /// How long a value answers.
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Which results may be stored; all of them by default, also those that stand for nothing.
    /// Errors never are.
    pub fn with_store_if(mut self, verdict: impl Fn(&V) -> bool + Send + Sync + 'static) -> Self {
        self.store_if = Some(Box::new(verdict));
        self
    }

    /// What a hit saves, in US dollars, where the computation did not
    /// [report its cost](WorkflowContext::report_cost).
    pub fn with_cost_per_call(mut self, usd: f64) -> Self {
        self.cost_per_call = Some(usd);
        self
    }

    /// The clock that values expire by, instead of [`Instant::now`]. It is the cache's own, not the
    /// context's: one entry is read in many contexts.
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    pub(crate) fn validated(self) -> Result<Self> {
        let refuse = |message| Err(Error::new(ErrorKind::Configuration, message));
        if self.capacity == 0 {
            return refuse("a cache of no entries keeps nothing; give it a capacity above zero");
        }
        if self.bytes.as_ref().is_some_and(|(bytes, _)| *bytes == 0) {
            return refuse("a cache of no bytes keeps nothing; give it a capacity above zero");
        }
        if self.ttl.is_some_and(|ttl| ttl.is_zero()) {
            return refuse(
                "values that expire at once are never read; give the cache a time to live above \
                 zero, or none",
            );
        }
        if self
            .cost_per_call
            .is_some_and(|usd| !usd.is_finite() || usd < 0.0)
        {
            return refuse("a cost per call must be a number of dollars, zero or above");
        }
        Ok(self)
    }
}

impl<I, V> fmt::Debug for CacheConfig<I, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheConfig")
            .field("scope", &self.scope)
            .field("capacity", &self.capacity)
            .field(
                "capacity_bytes",
                &self.bytes.as_ref().map(|(bytes, _)| bytes),
            )
            .field("ttl", &self.ttl)
            .field("cost_per_call", &self.cost_per_call)
            .finish_non_exhaustive()
    }
}
