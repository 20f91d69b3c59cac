//! How a cache is set up.

mod shared;

pub use shared::SharedConfig;

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use serde_core::Serialize;
use tta_core::{Clock, Error, ErrorKind, Result, WorkflowContext};

use crate::canonical::Ignored;
use crate::freshness::Ageing;
use crate::key::KeyBuilder;
use crate::scope::Scope;
use crate::verdict::CacheVerdict;

/// What a [`CachePrimitive`](crate::CachePrimitive) keeps, for whom, how much and how long.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_cache::{CacheConfig, Scope};
///
/// let config = CacheConfig::of_input(Scope::Tenant("tenant_id".into()))
///     .with_capacity(50_000)
///     .with_capacity_bytes(64 << 20, |answer: &String| answer.len())
///     .with_ttl(Duration::from_secs(3600))
///     .with_store_if(|answer| !answer.is_empty());
/// # let _: CacheConfig<String, String> = config;
/// ```
#[must_use]
pub struct CacheConfig<I, V> {
    pub(crate) scope: Scope,
    pub(crate) key: Box<KeyFunction<I>>,
    pub(crate) ignored: Ignored,
    pub(crate) capacity: u64,
    pub(crate) bytes: Option<(u64, Box<Weigher<V>>)>,
    pub(crate) memory: bool,
    pub(crate) memory_ttl: Option<Duration>,
    pub(crate) ageing: Ageing,
    /// How an input is kept for a computation that the caller does not wait for.
    pub(crate) keep_input: Option<fn(&I) -> I>,
    pub(crate) verdict: Option<Box<Verdict<V>>>,
    pub(crate) keeps_incomplete: bool,
    pub(crate) tags: Option<Box<Tags<I>>>,
    pub(crate) value_tags: Option<Box<Tags<V>>>,
    pub(crate) cost_per_call: Option<f64>,
    pub(crate) cost_per_write: Option<f64>,
    pub(crate) shared: Option<SharedConfig<V>>,
    pub(crate) clock: Clock,
    pub(crate) wall_clock: fn() -> SystemTime,
}

type KeyFunction<I> = dyn Fn(&I, &WorkflowContext, &Ignored, &mut KeyBuilder) + Send + Sync;
type Weigher<V> = dyn Fn(&V) -> usize + Send + Sync;
type Verdict<V> = dyn Fn(&V) -> CacheVerdict + Send + Sync;
type Tags<T> = dyn Fn(&T) -> Vec<String> + Send + Sync;

impl<I, V> CacheConfig<I, V> {
    /// A cache of 10,000 entries that do not expire, shared by whom the scope says.
    ///
    /// `key` writes everything that makes the result what it is: of the input, and of the context
    /// where the step reads it. What it leaves out is answered alike. It is called once for a hit
    /// and may be called twice otherwise, so it writes the same for the same call.
    pub fn new(
        scope: Scope,
        key: impl Fn(&I, &WorkflowContext, &mut KeyBuilder) + Send + Sync + 'static,
    ) -> Self {
        Self::with_key(scope, move |input, ctx, _, builder| {
            key(input, ctx, builder);
        })
    }

    /// The same, with a key of the whole input: every field is part of it, whatever is added to the
    /// type later, unless it is named by [`ignoring`](Self::ignoring).
    ///
    /// Inputs that are the same JSON value have the same key, whatever the order of keys and the
    /// notation of numbers; see [`KeyBuilder::value`].
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_cache::{CacheConfig, Scope};
    ///
    /// #[derive(serde::Serialize)]
    /// struct Prompt {
    ///     model: String,
    ///     text: String,
    ///     request_id: u64,
    /// }
    ///
    /// let config: CacheConfig<Prompt, String> =
    ///     CacheConfig::of_input(Scope::Global).ignoring("request_id");
    /// ```
    pub fn of_input(scope: Scope) -> Self
    where
        I: Serialize,
    {
        Self::with_key(scope, |input: &I, _, ignored, key| {
            key.value_without(input, ignored);
        })
    }

    fn with_key(
        scope: Scope,
        key: impl Fn(&I, &WorkflowContext, &Ignored, &mut KeyBuilder) + Send + Sync + 'static,
    ) -> Self {
        Self {
            scope,
            key: Box::new(key),
            ignored: Ignored::default(),
            capacity: 10_000,
            bytes: None,
            memory: true,
            memory_ttl: None,
            ageing: Ageing::default(),
            keep_input: None,
            verdict: None,
            keeps_incomplete: false,
            tags: None,
            value_tags: None,
            cost_per_call: None,
            cost_per_write: None,
            shared: None,
            clock: Instant::now,
            wall_clock: SystemTime::now,
        }
    }

    /// For lookups and tools: five minutes, cut short by up to a tenth so that what was stored
    /// together does not expire together.
    pub fn standard(self) -> Self {
        self.with_ttl(Duration::from_mins(5)).with_ttl_jitter(0.1)
    }

    /// For calls of models: an hour, cut short by up to a tenth; and an answer that is up to a day
    /// older stands in while the provider fails, since such answers are dear and age slowly.
    pub fn llm(self) -> Self {
        self.with_ttl(Duration::from_hours(1))
            .with_ttl_jitter(0.1)
            .with_stale_if_error(Duration::from_hours(24))
    }

    /// Leaves a field out of the key [of the input](Self::of_input): its path, as in
    /// `metadata.request_id`. The items of a list have no name of their own: `messages.id` is the
    /// `id` of each message.
    pub fn ignoring(mut self, path: &str) -> Self {
        self.ignored.add(path);
        self
    }

    /// How many entries there may be in memory.
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
        self.ageing.ttl = Some(ttl);
        self
    }

    /// How long a value answers that the [verdict](Self::with_verdict) calls negative; as long as
    /// any other by default.
    pub fn with_negative_ttl(mut self, ttl: Duration) -> Self {
        self.ageing.negative_ttl = Some(ttl);
        self
    }

    /// By what share, between 0 and 1, each time to live may be cut short at random, so that what
    /// was stored together does not expire together.
    pub fn with_ttl_jitter(mut self, share: f64) -> Self {
        self.ageing.jitter = share;
        self
    }

    /// How long past its time a value answers once more while it is computed anew in the
    /// background, on the runtime of the caller and with a copy of its input.
    ///
    /// Without a runtime, and for [`get_or_compute`](crate::CachePrimitive::get_or_compute), whose
    /// computation is the caller's own, the caller computes it anew itself.
    pub fn with_stale_while_revalidate(mut self, time: Duration) -> Self
    where
        I: Clone,
    {
        self.ageing.stale_while_revalidate = time;
        self.keep_input = Some(I::clone);
        self
    }

    /// How long past its time a value answers if computing it anew fails.
    pub fn with_stale_if_error(mut self, time: Duration) -> Self {
        self.ageing.stale_if_error = time;
        self
    }

    /// Computes a value anew in the background before its time, at random: the likelier, the nearer
    /// its end and the longer it took to compute. 1 is the factor of the literature; higher is
    /// earlier.
    pub fn with_early_refresh(mut self, eagerness: f64) -> Self
    where
        I: Clone,
    {
        self.ageing.early = eagerness;
        self.keep_input = Some(I::clone);
        self
    }

    /// Which results may be stored; all of them by default, also those that stand for nothing.
    /// Errors never are, nor are answers that were
    /// [reported incomplete](WorkflowContext::report_incomplete).
    pub fn with_store_if(self, may_be_stored: impl Fn(&V) -> bool + Send + Sync + 'static) -> Self {
        self.with_verdict(move |value| {
            if may_be_stored(value) {
                CacheVerdict::Store
            } else {
                CacheVerdict::Skip
            }
        })
    }

    /// What becomes of each result: as [`with_store_if`](Self::with_store_if), with a third answer
    /// for results that say there is nothing, which may be kept for
    /// [less long](Self::with_negative_ttl).
    pub fn with_verdict(
        mut self,
        verdict: impl Fn(&V) -> CacheVerdict + Send + Sync + 'static,
    ) -> Self {
        self.verdict = Some(Box::new(verdict));
        self
    }

    /// Leaves answers that were reported incomplete to the verdict, like all others.
    pub fn with_incomplete_answers(mut self) -> Self {
        self.keeps_incomplete = true;
        self
    }

    /// What a value goes with, as its input says: groups that are
    /// [removed together](crate::CachePrimitive::invalidate_tag).
    pub fn with_tags(mut self, tags: impl Fn(&I) -> Vec<String> + Send + Sync + 'static) -> Self {
        self.tags = Some(Box::new(tags));
        self
    }

    /// What a value goes with, as it says itself, such as the documents that an answer cites.
    pub fn with_value_tags(
        mut self,
        tags: impl Fn(&V) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        self.value_tags = Some(Box::new(tags));
        self
    }

    /// What a hit saves, in US dollars, where the computation did not
    /// [report its cost](WorkflowContext::report_cost).
    pub fn with_cost_per_call(mut self, usd: f64) -> Self {
        self.cost_per_call = Some(usd);
        self
    }

    /// What storing a value costs, in US dollars; it is reported to the context and set against the
    /// savings of the hits that follow.
    pub fn with_cost_per_write(mut self, usd: f64) -> Self {
        self.cost_per_write = Some(usd);
        self
    }

    /// Keeps values outside the process as well, where other processes find them.
    pub fn with_shared(mut self, shared: SharedConfig<V>) -> Self {
        self.shared = Some(shared);
        self
    }

    /// Keeps values outside the process only.
    pub fn without_memory(mut self) -> Self {
        self.memory = false;
        self
    }

    /// How long memory answers in front of a [shared](Self::with_shared) tier before that is asked
    /// again: what another process has invalidated is answered with no longer than this.
    pub fn with_memory_ttl(mut self, ttl: Duration) -> Self {
        self.memory_ttl = Some(ttl);
        self
    }

    /// The clock that values in memory expire by, instead of [`Instant::now`]. It is the cache's
    /// own, not the context's: one entry is read in many contexts.
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The clock that values outside the process expire by, instead of [`SystemTime::now`].
    pub fn with_wall_clock(mut self, clock: fn() -> SystemTime) -> Self {
        self.wall_clock = clock;
        self
    }

    pub(crate) fn validated(self) -> Result<Self> {
        let ages = &self.ageing;
        let is_money = |usd: Option<f64>| usd.is_none_or(|usd| usd.is_finite() && usd >= 0.0);
        let zero = |time: Option<Duration>| time.is_some_and(|time| time.is_zero());
        let goes_stale = !ages.stale_while_revalidate.is_zero()
            || !ages.stale_if_error.is_zero()
            || ages.early > 0.0;
        let wrong = [
            (
                self.capacity == 0,
                "a cache of no entries keeps nothing; give it a capacity above zero",
            ),
            (
                self.bytes.as_ref().is_some_and(|(bytes, _)| *bytes == 0),
                "a cache of no bytes keeps nothing; give it a capacity above zero",
            ),
            (
                zero(ages.ttl) || zero(ages.negative_ttl) || zero(self.memory_ttl),
                "values that expire at once are never read; give the cache a time to live above \
                 zero, or none",
            ),
            (
                !(0.0..1.0).contains(&ages.jitter),
                "a jitter is a share of the time to live; give one of at least 0 and below 1",
            ),
            (
                !(ages.early.is_finite() && ages.early >= 0.0),
                "the eagerness of early refresh is a number of at least 0",
            ),
            (
                goes_stale && ages.ttl.is_none(),
                "values that never expire are never stale; give the cache a time to live",
            ),
            (
                !self.memory && self.shared.is_none(),
                "a cache without memory keeps nothing; give it a shared tier",
            ),
            (
                self.memory_ttl.is_some() && (self.shared.is_none() || !self.memory),
                "a time to live in memory is for memory in front of a shared tier; use the time to \
                 live of the values",
            ),
            (
                !is_money(self.cost_per_call) || !is_money(self.cost_per_write),
                "a cost must be a number of dollars, zero or above",
            ),
        ];
        if let Some((_, message)) = wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let shared = self.shared.map(SharedConfig::validated).transpose()?;
        Ok(Self { shared, ..self })
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
            .field("memory", &self.memory)
            .field("ageing", &self.ageing)
            .field("cost_per_call", &self.cost_per_call)
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}
