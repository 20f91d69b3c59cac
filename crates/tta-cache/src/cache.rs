//! Answering from the cache, or computing once for all who ask.

mod compute;
mod hit;
mod lookup;
mod refresh;
mod removal;

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tta_core::{Flow, IntoFlow, Observed, Primitive, Result, WorkflowContext};

use self::hit::Call;
use self::lookup::Lookup;
use crate::catalog::GET_SPAN;
use crate::config::CacheConfig;
use crate::failure::Failure;
use crate::flight::Flights;
use crate::key::{CacheKey, KeyBuilder, SharedKey};
use crate::metrics::Metrics;
use crate::outside::Outside;
use crate::stats::CacheStats;
use crate::store::{Entry, Store};

/// Answers what has been asked before, and computes what has not: once, however many ask.
///
/// # Examples
///
/// ```
/// use tta_cache::{CacheConfig, CachePrimitive, Scope};
/// use tta_core::step;
///
/// let model = step("model", async |question: String| Ok(question.len()));
/// let flow = CachePrimitive::new(model, CacheConfig::of_input(Scope::Global))?;
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Cancellation
///
/// Dropping the future of the caller that computes drops the computation, and one of those that
/// wait for it begins it anew. Dropping the future of one that waits concerns nobody else. Dropping
/// the cache drops what it computes anew in the background.
pub struct CachePrimitive<P: Primitive> {
    body: Arc<Body<P>>,
    /// Dropped with the cache, and what they do with them.
    refreshes: Mutex<JoinSet<()>>,
}

/// What lookups and refreshes share.
struct Body<P: Primitive> {
    inner: P,
    config: CacheConfig<P::Input, P::Output>,
    memory: Option<Store<P::Output>>,
    outside: Option<Outside<P::Output>>,
    flights: Flights<CacheKey, Landed<P::Output>>,
    /// What storing has cost and no hit has earned yet, in billionths of a US dollar.
    owed: AtomicU64,
    name: String,
    /// Resolved at the first use, when the primitive has its name.
    metrics: OnceLock<Metrics>,
}

type Boxed<'a, V> = Pin<Box<dyn Future<Output = Result<V>> + Send + 'a>>;

/// What a computation gives to those who waited for it.
enum Landed<V> {
    /// An answer that may be given again.
    Kept(Arc<Entry<V>>),
    /// An answer that may not.
    Refused(Arc<Entry<V>>),
    Failed(Arc<Failure>),
}

impl<P> CachePrimitive<P>
where
    P: Primitive + 'static,
    P::Input: Sync,
    P::Output: Clone + Sync,
{
    /// Keeps results of `inner` as `config` says.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](tta_core::ErrorKind::Configuration) for a configuration that
    /// contradicts itself; the message says how to mend it.
    pub fn new<F>(
        inner: F,
        config: CacheConfig<P::Input, P::Output>,
    ) -> Result<Flow<Observed<Self>>>
    where
        F: IntoFlow<Primitive = P, Input = P::Input, Output = P::Output>,
    {
        let mut config = config.validated()?;
        let bytes = config.bytes.as_ref().map(|(bytes, _)| *bytes);
        let memory = config
            .memory
            .then(|| Store::new(config.capacity, bytes))
            .transpose()?;
        let body = Body {
            inner: inner.into_flow().into_primitive(),
            memory,
            outside: Outside::of(&mut config),
            config,
            flights: Flights::new(SHARDS),
            owed: AtomicU64::new(0),
            name: "CachePrimitive".to_owned(),
            metrics: OnceLock::new(),
        };
        Ok(Flow::new(Self {
            body: Arc::new(body),
            refreshes: Mutex::default(),
        }))
    }

    /// What is held for this input, in memory or outside, without computing or waiting for who
    /// does; counts as a hit or a miss.
    pub async fn get(&self, input: &P::Input, ctx: &WorkflowContext) -> Result<Option<P::Output>> {
        ctx.in_span(&GET_SPAN, async {
            let begun = self.body.now();
            let Some(key) = self.body.key(input, ctx) else {
                self.body.bypassed(ctx);
                return Ok(None);
            };
            Ok(self.body.peek(input, &Call { key, begun, ctx }).await)
        })
        .await
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
        let begun = self.body.now();
        let Some(key) = self.body.key(input, ctx) else {
            ctx.in_span_now(&GET_SPAN, || self.body.bypassed(ctx));
            return self.body.measured(compute(ctx.metered()), ctx).await;
        };
        let call = Call { key, begun, ctx };
        let looked_up = self.look_up(input, &call, false);
        match ctx.in_span(&GET_SPAN, looked_up).await? {
            Lookup::Hit(value) => Ok(value),
            Lookup::Lead(plan) => {
                let metered = ctx.metered();
                let computation = compute(metered.clone());
                self.body.lead(*plan, computation, &metered, ctx).await
            }
        }
    }

    /// A call that has no key. Boxed, as is the next one, so that those who need no more than memory
    /// do not carry the room for all that may follow.
    #[inline(never)]
    fn uncached<'a>(&'a self, input: P::Input, ctx: &'a WorkflowContext) -> Boxed<'a, P::Output> {
        Box::pin(async move {
            ctx.in_span_now(&GET_SPAN, || self.body.bypassed(ctx));
            let metered = ctx.metered();
            let computation = self.body.inner.execute(input, &metered);
            self.body.measured(computation, ctx).await
        })
    }

    /// What memory does not answer at once.
    #[inline(never)]
    fn slowly<'a>(&'a self, input: P::Input, call: Call<'a>) -> Boxed<'a, P::Output> {
        Box::pin(async move {
            let ctx = call.ctx;
            let looked_up = self.look_up(&input, &call, true);
            match ctx.in_span(&GET_SPAN, looked_up).await? {
                Lookup::Hit(value) => Ok(value),
                Lookup::Lead(plan) => {
                    let metered = ctx.metered();
                    let computation = self.body.inner.execute(input, &metered);
                    self.body.lead(*plan, computation, &metered, ctx).await
                }
            }
        })
    }

    /// What the cache has done and holds.
    pub fn stats(&self) -> CacheStats {
        let metrics = self.body.metrics();
        let count = |histogram: &tta_core::Histogram| histogram.distribution().count();
        let outside_hits = metrics.outside_hits.as_ref();
        let outside_hits = outside_hits.map_or(0, tta_core::Counter::units);
        let memory = self.body.memory.as_ref();
        CacheStats {
            hits: metrics.hits.units() + outside_hits,
            outside_hits,
            stale: count(&metrics.get_stale),
            misses: metrics.misses(),
            coalesced: metrics.coalesced.units(),
            hit_rate: metrics.hit_rate(),
            refreshes: count(&metrics.refresh_ok),
            stood_in: count(&metrics.compute_stale),
            evicted_by_capacity: metrics.evicted_by_capacity.units(),
            evicted_expired: metrics.evicted_expired.units(),
            evicted_explicitly: metrics.evicted_explicitly.units(),
            saved_usd: metrics.savings.total(),
            entries: memory.map_or(0, Store::len),
            bytes: memory.map_or(0, Store::bytes),
        }
    }
}

impl<P> Primitive for CachePrimitive<P>
where
    P: Primitive + 'static,
    P::Input: Sync,
    P::Output: Clone + Sync,
{
    type Input = P::Input;
    type Output = P::Output;

    fn name(&self) -> &str {
        &self.body.name
    }

    fn rename(&mut self, name: &str) {
        // A value that is being computed anew at this moment keeps the body, and its name.
        if let Some(body) = Arc::get_mut(&mut self.body) {
            body.rename(name);
        }
    }

    fn depth(&self) -> usize {
        self.body.inner.depth() + 1
    }

    fn is_idempotent(&self) -> bool {
        self.body.inner.is_idempotent()
    }

    #[expect(
        clippy::manual_async_fn,
        reason = "a block leaves what it is given where it lies, and an `async fn` moves it first"
    )]
    fn execute(
        &self,
        input: P::Input,
        ctx: &WorkflowContext,
    ) -> impl Future<Output = Result<P::Output>> + Send {
        async move {
            let begun = self.body.begun(ctx);
            let Some(key) = self.body.key(&input, ctx) else {
                return self.uncached(input, ctx).await;
            };
            // Most calls end here, and need no more than this.
            if let Some(entry) = self.body.at_once(key, begun, ctx) {
                let value = self.body.counted(&entry, ctx);
                // Their destructors are the user's, and are no part of what is over then.
                drop(entry);
                drop(input);
                self.body.ended(begun, ctx);
                return Ok(value);
            }
            let begun = self.body.instant(begun, ctx);
            self.slowly(input, Call { key, begun, ctx }).await
        }
    }
}

impl<P: Primitive> Body<P> {
    #[inline]
    fn metrics(&self) -> &Metrics {
        let tier = || self.outside.as_ref().map(Outside::tier);
        self.metrics.get_or_init(|| Metrics::of(&self.name, tier()))
    }

    /// The key of a call; none if its context lacks what the scope asks for, or its input cannot be
    /// written.
    #[inline]
    fn key(&self, input: &P::Input, ctx: &WorkflowContext) -> Option<CacheKey> {
        let mut key = KeyBuilder::local();
        self.write_key(&mut key, input, ctx)?;
        key.finish_local()
    }

    /// The key of the same call outside the process.
    fn shared_key(&self, input: &P::Input, ctx: &WorkflowContext) -> Option<SharedKey> {
        let outside = self.outside.as_ref()?;
        let mut key = KeyBuilder::shared(outside.namespace(), outside.version());
        self.write_key(&mut key, input, ctx)?;
        key.finish_shared()
    }

    /// Writes where it lies: a builder is too large to be handed to and fro.
    #[inline]
    fn write_key(
        &self,
        key: &mut KeyBuilder,
        input: &P::Input,
        ctx: &WorkflowContext,
    ) -> Option<()> {
        if !self.config.scope.write(ctx, key) {
            return None;
        }
        (self.config.key)(input, ctx, &self.config.ignored, key);
        Some(())
    }

    fn weigh(&self, value: &P::Output) -> u64 {
        let weigher = self.config.bytes.as_ref();
        weigher.map_or(0, |(_, weigher)| weigher(value) as u64)
    }

    #[inline]
    fn now(&self) -> Instant {
        (self.config.clock)()
    }

    fn since(&self, begun: Instant) -> Duration {
        self.now().saturating_duration_since(begun)
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

    /// What is held, as the gauges count it.
    fn held(&self) -> (i64, i64) {
        self.memory.as_ref().map_or((0, 0), |memory| {
            (signed(memory.len()), signed(memory.bytes()))
        })
    }
}

impl<P: Primitive> Drop for Body<P> {
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
            .field("name", &self.body.name)
            .field("config", &self.body.config)
            .field("memory", &self.body.memory)
            .field("outside", &self.body.outside)
            .finish_non_exhaustive()
    }
}

impl<V> Clone for Landed<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Kept(entry) => Self::Kept(Arc::clone(entry)),
            Self::Refused(entry) => Self::Refused(Arc::clone(entry)),
            Self::Failed(failure) => Self::Failed(Arc::clone(failure)),
        }
    }
}

/// Gauges are signed; nothing that fits into memory is too large.
fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

/// Only calls that find nothing meet here, so that a few do for many cores.
const SHARDS: usize = 16;
