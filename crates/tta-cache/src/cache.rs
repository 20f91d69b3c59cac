//! Answering from the cache, or computing once for all who ask.

mod lookup;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tta_core::{Flow, IntoFlow, Observed, Primitive, Result, WorkflowContext};

use self::lookup::{Lookup, Wait};
use crate::catalog::{EVICT_SPAN, GET_SPAN, SET_SPAN};
use crate::config::CacheConfig;
use crate::key::{CacheKey, KeyBuilder};
use crate::metrics::Metrics;
use crate::stats::CacheStats;
use crate::store::{Entry, Lead, Store};

/// Answers what has been asked before, and computes what has not: once, however many ask.
///
/// # Examples
///
/// ```
/// use tta_cache::{CacheConfig, CachePrimitive, Scope};
/// use tta_core::step;
///
/// let model = step("model", async |question: String| Ok(question.len()));
/// let config = CacheConfig::new(Scope::Global, |question: &String, _, key| {
///     key.text(question);
/// });
/// let flow = CachePrimitive::new(model, config)?;
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Cancellation
///
/// Dropping the future of the caller that computes drops the computation, and one of those that
/// wait for it begins it anew. Dropping the future of one that waits concerns nobody else.
pub struct CachePrimitive<P: Primitive> {
    inner: P,
    config: CacheConfig<P::Input, P::Output>,
    store: Store<P::Output>,
    name: String,
    /// Resolved at the first use, when the primitive has its name.
    metrics: OnceLock<Metrics>,
}

impl<P> CachePrimitive<P>
where
    P: Primitive,
    P::Input: Sync,
    P::Output: Clone + Sync,
{
    /// Keeps results of `inner` as `config` says.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](tta_core::ErrorKind::Configuration) for a capacity or a time to
    /// live of zero, and for a cost that is no amount of money.
    pub fn new<F>(
        inner: F,
        config: CacheConfig<P::Input, P::Output>,
    ) -> Result<Flow<Observed<Self>>>
    where
        F: IntoFlow<Primitive = P, Input = P::Input, Output = P::Output>,
    {
        let config = config.validated()?;
        let store = Store::new(
            config.capacity,
            config.bytes.as_ref().map(|(bytes, _)| *bytes),
        )?;
        Ok(Flow::new(Self {
            inner: inner.into_flow().into_primitive(),
            config,
            store,
            name: "CachePrimitive".to_owned(),
            metrics: OnceLock::new(),
        }))
    }

    /// What is held for this input, without computing or waiting; counts as a hit or a miss.
    pub fn get(&self, input: &P::Input, ctx: &WorkflowContext) -> Option<P::Output> {
        let key = self.key(input, ctx);
        ctx.in_span_now(&GET_SPAN, || {
            let begun = self.now();
            let Some(key) = key else {
                self.bypassed(ctx);
                return None;
            };
            match self.look(key, begun, ctx) {
                Ok(entry) => Some(self.hit(key, &entry, Wait::None, begun, ctx)),
                Err(reason) => {
                    self.missed(key, reason, begun, ctx);
                    None
                }
            }
        })
    }

    /// What is held for this input, or what `compute` gives back, which is stored.
    ///
    /// `compute` is given the context in which to run: what it
    /// [reports](WorkflowContext::report_cost) there is what later hits save. Callers of one key
    /// share one computation, whichever way they came.
    ///
    /// # Cancellation
    ///
    /// As for the [type](Self).
    pub async fn get_or_compute<C>(
        &self,
        input: &P::Input,
        ctx: &WorkflowContext,
        compute: impl FnOnce(WorkflowContext) -> C + Send,
    ) -> Result<P::Output>
    where
        C: Future<Output = Result<P::Output>> + Send,
    {
        let key = self.key(input, ctx);
        self.answer(key, ctx, compute).await
    }

    /// Removes what is held for this input; whether there was anything. What is being computed for
    /// it reaches those who wait for it and is not stored.
    pub fn invalidate(&self, input: &P::Input, ctx: &WorkflowContext) -> bool {
        let Some(key) = self.key(input, ctx) else {
            return false;
        };
        let begun = self.now();
        let removed = ctx.in_span_now(&EVICT_SPAN, || {
            describe_eviction(key, "explicit", ctx);
            self.store.invalidate(key)
        });
        let metrics = self.metrics();
        metrics.evict.record_in(self.since(begun), ctx);
        if let Some(entry) = &removed {
            metrics.evicted_explicitly.increment_in(ctx);
            metrics.resize(-1, -signed(entry.bytes));
        }
        removed.is_some()
    }

    /// Removes everything and tells how much it was. What is being computed is not stored.
    pub fn clear(&self) -> u64 {
        let removed = self.store.clear();
        self.removed(&removed, |metrics| &metrics.evicted_explicitly)
    }

    /// Removes what has expired and tells how much it was.
    ///
    /// An entry that is asked for after it has expired is removed then; this is for those that
    /// nobody asks for.
    pub fn evict_expired(&self) -> u64 {
        let removed = self.store.evict_expired(self.now());
        self.removed(&removed, |metrics| &metrics.evicted_expired)
    }

    /// What the cache has done and holds.
    pub fn stats(&self) -> CacheStats {
        let metrics = self.metrics();
        CacheStats {
            hits: metrics.hits.units(),
            misses: metrics.misses(),
            coalesced: metrics.coalesced.units(),
            hit_rate: metrics.hit_rate(),
            evicted_by_capacity: metrics.evicted_by_capacity.units(),
            evicted_expired: metrics.evicted_expired.units(),
            evicted_explicitly: metrics.evicted_explicitly.units(),
            saved_usd: metrics.savings.total(),
            entries: self.store.len(),
            bytes: self.store.bytes(),
        }
    }

    async fn answer<C>(
        &self,
        key: Option<CacheKey>,
        ctx: &WorkflowContext,
        compute: impl FnOnce(WorkflowContext) -> C + Send,
    ) -> Result<P::Output>
    where
        C: Future<Output = Result<P::Output>> + Send,
    {
        let Some(key) = key else {
            ctx.in_span_now(&GET_SPAN, || self.bypassed(ctx));
            let metered = ctx.metered();
            return self.measured(compute(metered), ctx).await;
        };
        let lead = match ctx.in_span(&GET_SPAN, self.value_or_lead(key, ctx)).await? {
            Lookup::Hit(value) => return Ok(value),
            Lookup::Lead(lead) => lead,
        };
        let metered = ctx.metered();
        let value = self.measured(compute(metered.clone()), ctx).await?;
        if self
            .config
            .store_if
            .as_ref()
            .is_none_or(|may_be_stored| may_be_stored(&value))
        {
            self.set(key, lead, value.clone(), &metered, ctx);
        }
        Ok(value)
    }

    async fn measured(
        &self,
        computation: impl Future<Output = Result<P::Output>> + Send,
        ctx: &WorkflowContext,
    ) -> Result<P::Output> {
        let begun = self.now();
        let result = computation.await;
        let metrics = self.metrics();
        let duration = match &result {
            Ok(_) => &metrics.compute_ok,
            Err(_) => &metrics.compute_error,
        };
        duration.record_in(self.since(begun), ctx);
        result
    }

    fn set(
        &self,
        key: CacheKey,
        lead: Lead<'_, P::Output>,
        value: P::Output,
        metered: &WorkflowContext,
        ctx: &WorkflowContext,
    ) {
        let begun = self.now();
        let usage = metered.usage();
        let weigh = |(_, weigher): &(u64, _)| -> u64 {
            let weigher: &Box<dyn Fn(&P::Output) -> usize + Send + Sync> = weigher;
            weigher(&value) as u64
        };
        let entry = Entry {
            bytes: self.config.bytes.as_ref().map_or(0, weigh),
            // A time to live beyond the end of time is none.
            expires: self.config.ttl.and_then(|ttl| begun.checked_add(ttl)),
            cost_nano_usd: usage.cost_nano_usd,
            generation: lead.generation,
            value,
        };
        let bytes = entry.bytes;
        let stored = ctx.in_span_now(&SET_SPAN, || {
            let stored = self.store.insert(lead, entry);
            if ctx.is_sampled() {
                ctx.set_attribute("cache.key_hash", key.to_string());
                ctx.set_attribute("cache.stored", stored.kept);
                ctx.set_attribute("cache.evicted", stored.evicted.len());
                if let Some(cost) = usage.cost_usd() {
                    ctx.set_attribute("cost_usd", cost);
                }
            }
            stored
        });
        let metrics = self.metrics();
        if stored.admitted {
            metrics.resize(1, signed(bytes));
        }
        for gone in &stored.evicted {
            metrics.evicted_by_capacity.increment_in(ctx);
            metrics.resize(-1, -signed(gone.bytes));
        }
        metrics.set.record_in(self.since(begun), ctx);
    }

    fn removed(
        &self,
        entries: &[Arc<Entry<P::Output>>],
        cause: impl Fn(&Metrics) -> &tta_core::Counter,
    ) -> u64 {
        let count = entries.len() as u64;
        if count > 0 {
            let metrics = self.metrics();
            cause(metrics).add_units(count);
            let bytes = entries.iter().map(|entry| entry.bytes).sum();
            metrics.resize(-signed(count), -signed(bytes));
        }
        count
    }

    /// The key of a call; none if its context lacks what the scope asks for.
    fn key(&self, input: &P::Input, ctx: &WorkflowContext) -> Option<CacheKey> {
        let mut key = KeyBuilder::new();
        if !self.config.scope.write(ctx, &mut key) {
            return None;
        }
        (self.config.key)(input, ctx, &mut key);
        Some(key.finish())
    }

    fn now(&self) -> Instant {
        (self.config.clock)()
    }

    fn since(&self, begun: Instant) -> Duration {
        self.now().saturating_duration_since(begun)
    }
}

impl<P: Primitive> CachePrimitive<P> {
    fn metrics(&self) -> &Metrics {
        self.metrics.get_or_init(|| Metrics::of(&self.name))
    }

    /// What is held, as the gauges count it.
    fn held(&self) -> (i64, i64) {
        (signed(self.store.len()), signed(self.store.bytes()))
    }
}

impl<P> Primitive for CachePrimitive<P>
where
    P: Primitive,
    P::Input: Sync,
    P::Output: Clone + Sync,
{
    type Input = P::Input;
    type Output = P::Output;

    fn name(&self) -> &str {
        &self.name
    }

    fn rename(&mut self, name: &str) {
        let (entries, bytes) = self.held();
        if let Some(metrics) = self.metrics.take() {
            metrics.resize(-entries, -bytes);
        }
        name.clone_into(&mut self.name);
        if entries > 0 {
            self.metrics().resize(entries, bytes);
        }
    }

    fn depth(&self) -> usize {
        self.inner.depth() + 1
    }

    fn is_idempotent(&self) -> bool {
        self.inner.is_idempotent()
    }

    async fn execute(&self, input: P::Input, ctx: &WorkflowContext) -> Result<P::Output> {
        let key = self.key(&input, ctx);
        let compute = move |metered: WorkflowContext| async move {
            self.inner.execute(input, &metered).await
        };
        self.answer(key, ctx, compute).await
    }
}

impl<P: Primitive> Drop for CachePrimitive<P> {
    /// What goes with the cache is held no more.
    fn drop(&mut self) {
        let (entries, bytes) = self.held();
        if let Some(metrics) = self.metrics.get() {
            metrics.resize(-entries, -bytes);
        }
    }
}

impl<P: Primitive> fmt::Debug for CachePrimitive<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachePrimitive")
            .field("name", &self.name)
            .field("config", &self.config)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

fn describe_eviction(key: CacheKey, cause: &'static str, ctx: &WorkflowContext) {
    if ctx.is_sampled() {
        ctx.set_attribute("cache.key_hash", key.to_string());
        ctx.set_attribute("cache.evict_cause", cause);
    }
}

/// Gauges are signed; nothing that fits into memory is too large.
fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}
