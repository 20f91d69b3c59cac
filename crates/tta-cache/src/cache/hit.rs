//! What a lookup means for the numbers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tta_core::{Moment, Primitive, Unit, WorkflowContext};

use super::{Body, signed};
use crate::catalog::EVICT_SPAN;
use crate::freshness::Age;
use crate::key::CacheKey;
use crate::outside::Nothing;
use crate::store::Entry;

/// One lookup.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) key: CacheKey,
    pub(super) begun: Instant,
    pub(super) ctx: &'a WorkflowContext,
}

/// When a call began.
#[derive(Clone, Copy)]
pub(super) enum Begun {
    /// With its step.
    WithStep(Moment),
    /// By a reading of the cache's own clock.
    ByClock(Instant),
}

/// In what way an entry answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// Past its time, while it is computed anew.
    pub(super) stale: bool,
    /// After waiting for another caller.
    pub(super) coalesced: bool,
    /// Out of the tier outside the process.
    pub(super) outside: bool,
}

impl<P> Body<P>
where
    P: Primitive + 'static,
    P::Output: Clone,
{
    /// When a call begins: with its step, if the cache goes by the same clock.
    #[inline]
    pub(super) fn begun(&self, ctx: &WorkflowContext) -> Begun {
        let step = if ctx.goes_by(self.config.clock) {
            ctx.step_begun()
        } else {
            None
        };
        step.map_or_else(|| Begun::ByClock(self.now()), Begun::WithStep)
    }

    #[inline]
    pub(super) fn instant(&self, begun: Begun, ctx: &WorkflowContext) -> Instant {
        match begun {
            Begun::WithStep(moment) => ctx.instant(moment).unwrap_or_else(|| self.now()),
            Begun::ByClock(begun) => begun,
        }
    }

    /// What memory answers without further ado, where nothing is recorded of how.
    #[inline]
    pub(super) fn at_once(
        &self,
        key: CacheKey,
        begun: Begun,
        ctx: &WorkflowContext,
    ) -> Option<Arc<Entry<P::Output>>> {
        // Early refresh draws a lot for each lookup, once, where it can act on it.
        if ctx.is_sampled() || self.config.ageing.early > 0.0 {
            return None;
        }
        let entry = self.memory.as_ref()?.find(key)?;
        if entry.fresh_until.is_some() || entry.memory_until.is_some() {
            let now = self.instant(begun, ctx);
            if self.age(&entry, now) != Age::Fresh {
                return None;
            }
        }
        Some(entry)
    }

    /// What an entry is good for; in front of a tier outside memory answers only for a while.
    #[inline]
    pub(super) fn age(&self, entry: &Entry<P::Output>, now: Instant) -> Age {
        match entry.age(&self.config.ageing, now) {
            Age::Fresh if entry.is_to_be_checked(now) => Age::Unchecked,
            age => age,
        }
    }

    /// The value of an entry that [memory answers with](Self::at_once).
    #[inline]
    pub(super) fn counted(&self, entry: &Entry<P::Output>, ctx: &WorkflowContext) -> P::Output {
        self.count(entry, Way::default(), ctx);
        entry.value.get().clone()
    }

    /// Measures a hit that is all that its step does: both end at one reading of the clock.
    #[inline]
    pub(super) fn ended(&self, begun: Begun, ctx: &WorkflowContext) {
        let took = &self.metrics().get_hit;
        match begun {
            Begun::WithStep(moment) => {
                took.record_nanos_in(ctx.end_step().nanos_since(moment), ctx);
            }
            Begun::ByClock(begun) => took.record_in(self.since(begun), ctx),
        }
    }

    /// The value of an entry that answers.
    pub(super) fn hit(&self, entry: &Entry<P::Output>, way: Way, call: &Call<'_>) -> P::Output {
        let value = self.hit_value(entry, way, call);
        let metrics = self.metrics();
        let took = if way.stale {
            &metrics.get_stale
        } else {
            &metrics.get_hit
        };
        took.record_in(self.since(call.begun), call.ctx);
        value
    }

    /// The same, but for how long it took.
    fn hit_value(&self, entry: &Entry<P::Output>, way: Way, call: &Call<'_>) -> P::Output {
        let saved = self.count(entry, way, call.ctx);
        if call.ctx.is_sampled() {
            self.describe_hit(entry, way, saved, call);
        }
        entry.value.get().clone()
    }

    /// Counts a hit, and tells what it saves.
    #[inline]
    fn count(&self, entry: &Entry<P::Output>, way: Way, ctx: &WorkflowContext) -> u64 {
        let metrics = self.metrics();
        metrics.hits_of(way.outside).increment_in(ctx);
        if way.coalesced {
            metrics.coalesced.increment_in(ctx);
        }
        let saved = self.saved(entry);
        if saved > 0 {
            metrics.savings.add_in(usd(saved), ctx);
        }
        // Whoever charges for the step learns that this answer was free.
        ctx.report_cost(0.0);
        saved
    }

    fn describe_hit(&self, entry: &Entry<P::Output>, way: Way, saved: u64, call: &Call<'_>) {
        let ctx = call.ctx;
        let tier = self.outside.as_ref().filter(|_| way.outside);
        ctx.set_attribute("cache.hit", true);
        ctx.set_attribute("cache.key_hash", call.key.to_string());
        ctx.set_attribute("cache.coalesced", way.coalesced);
        ctx.set_attribute("cache.tier", tier.map_or("memory", |tier| tier.tier()));
        if way.stale {
            ctx.set_attribute("cache.stale", true);
        }
        if entry.cost_nano_usd.is_some() || self.config.cost_per_call.is_some() {
            ctx.set_attribute("cache.saved_usd", usd(saved));
        }
    }

    /// What a hit saves, less what storing has cost and no hit before it has earned.
    #[inline]
    fn saved(&self, entry: &Entry<P::Output>) -> u64 {
        let saved = match (entry.cost_nano_usd, self.config.cost_per_call) {
            (Some(recorded), _) => recorded,
            (None, Some(usd)) => nano_usd(usd),
            (None, None) => return 0,
        };
        if self.config.cost_per_write.is_none() {
            return saved;
        }
        let pay = |owed: u64| Some(owed.saturating_sub(saved));
        let relaxed = Ordering::Relaxed;
        let owed = self.owed.fetch_update(relaxed, relaxed, pay);
        saved.saturating_sub(owed.unwrap_or_default())
    }

    /// Charges for storing a value.
    pub(super) fn charge_write(&self, ctx: &WorkflowContext) {
        if let Some(usd) = self.config.cost_per_write {
            ctx.report_cost(usd);
            self.owed.fetch_add(nano_usd(usd), Ordering::Relaxed);
        }
    }

    pub(super) fn missed(&self, reason: MissReason, call: &Call<'_>) {
        let (metrics, ctx) = (self.metrics(), call.ctx);
        let counter = match reason {
            MissReason::Absent => &metrics.absent,
            MissReason::Expired => &metrics.expired,
            MissReason::Corrupt => &metrics.corrupt,
            MissReason::BackendError => &metrics.backend_error,
        };
        counter.increment_in(ctx);
        metrics.get_miss.record_in(self.since(call.begun), ctx);
        if ctx.is_sampled() {
            ctx.set_attribute("cache.hit", false);
            ctx.set_attribute("cache.miss_reason", reason.as_str());
            ctx.set_attribute("cache.key_hash", call.key.to_string());
        }
    }

    pub(super) fn bypassed(&self, ctx: &WorkflowContext) {
        let metrics = self.metrics();
        metrics.bypass.increment_in(ctx);
        metrics.get_miss.record_in(Duration::ZERO, ctx);
        ctx.set_attribute("cache.hit", false);
        ctx.set_attribute("cache.miss_reason", "bypass");
    }

    /// Removes an entry past its time from memory, unless somebody else has.
    pub(super) fn discard(&self, entry: &Arc<Entry<P::Output>>, call: &Call<'_>) {
        let begun = self.now();
        let ctx = call.ctx;
        let removed = ctx.in_span_now(&EVICT_SPAN, || {
            describe_eviction(call.key, "expired", ctx);
            let memory = self.memory.as_ref();
            memory.is_some_and(|memory| memory.remove(call.key, entry))
        });
        let metrics = self.metrics();
        metrics.evict.record_in(self.since(begun), ctx);
        if removed {
            metrics.evicted_expired.increment_in(ctx);
            metrics.resize(-1, -signed(entry.bytes));
        }
    }

    /// Counts what has left memory.
    pub(super) fn removed(
        &self,
        entries: &[Arc<Entry<P::Output>>],
        cause: impl Fn(&crate::metrics::Metrics) -> &tta_core::Counter,
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
}

/// Why a lookup found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MissReason {
    Absent,
    Expired,
    Corrupt,
    BackendError,
}

impl MissReason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Expired => "expired",
            Self::Corrupt => "corrupt",
            Self::BackendError => "backend_error",
        }
    }
}

impl From<Nothing> for MissReason {
    fn from(nothing: Nothing) -> Self {
        match nothing {
            Nothing::Absent => Self::Absent,
            Nothing::Expired => Self::Expired,
            Nothing::Corrupt => Self::Corrupt,
            Nothing::Unavailable => Self::BackendError,
        }
    }
}

pub(super) fn describe_eviction(key: CacheKey, cause: &'static str, ctx: &WorkflowContext) {
    if ctx.is_sampled() {
        ctx.set_attribute("cache.key_hash", key.to_string());
        ctx.set_attribute("cache.evict_cause", cause);
    }
}

fn usd(nano_usd: u64) -> f64 {
    nano_usd as f64 / Unit::UsDollars.scale()
}

/// The configuration has checked that it is an amount of money.
fn nano_usd(usd: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "zero or above, and what is too much is the most there is"
    )]
    let nano_usd = (usd * Unit::UsDollars.scale()).round() as u64;
    nano_usd
}
