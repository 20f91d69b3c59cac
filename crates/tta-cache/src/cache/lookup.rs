//! Looking a key up, and what it means for the numbers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tta_core::{Primitive, Result, Unit, WorkflowContext};

use super::{CachePrimitive, describe_eviction, signed};
use crate::catalog::EVICT_SPAN;
use crate::key::CacheKey;
use crate::store::{Entry, Found, Lead};

/// What came of a lookup.
pub(super) enum Lookup<'a, V> {
    Hit(V),
    Lead(Lead<'a, V>),
}

impl<P> CachePrimitive<P>
where
    P: Primitive,
    P::Input: Sync,
    P::Output: Clone + Sync,
{
    pub(super) async fn value_or_lead(
        &self,
        key: CacheKey,
        ctx: &WorkflowContext,
    ) -> Result<Lookup<'_, P::Output>> {
        let begun = self.now();
        let reason = match self.look(key, begun, ctx) {
            Ok(entry) => {
                let value = self.hit(key, &entry, Wait::None, begun, ctx);
                return Ok(Lookup::Hit(value));
            }
            Err(reason) => reason,
        };
        loop {
            match self.store.join(key).await {
                Ok(entry) if self.store.is_outdated(&entry) => {
                    self.discard(key, &entry, Discard::Outdated, ctx);
                }
                Ok(entry) if entry.has_expired(self.now()) => {
                    self.discard(key, &entry, Discard::Expired, ctx);
                }
                Ok(entry) => {
                    let value = self.hit(key, &entry, Wait::ForAnother, begun, ctx);
                    return Ok(Lookup::Hit(value));
                }
                Err(lead) => {
                    self.missed(key, reason, begun, ctx);
                    return Ok(Lookup::Lead(lead));
                }
            }
        }
    }

    /// Looks a key up; an entry that has expired is removed.
    pub(super) fn look(
        &self,
        key: CacheKey,
        now: Instant,
        ctx: &WorkflowContext,
    ) -> Result<Arc<Entry<P::Output>>, MissReason> {
        match self.store.find(key, now) {
            Found::Fresh(entry) => Ok(entry),
            Found::Expired(entry) => {
                self.discard(key, &entry, Discard::Expired, ctx);
                Err(MissReason::Expired)
            }
            Found::Absent => Err(MissReason::Absent),
        }
    }

    pub(super) fn hit(
        &self,
        key: CacheKey,
        entry: &Entry<P::Output>,
        wait: Wait,
        begun: Instant,
        ctx: &WorkflowContext,
    ) -> P::Output {
        let metrics = self.metrics();
        metrics.hits.increment_in(ctx);
        if wait == Wait::ForAnother {
            metrics.coalesced.increment_in(ctx);
        }
        let recorded = entry.cost_nano_usd.map(usd);
        let saved = recorded.or(self.config.cost_per_call);
        if let Some(saved) = saved.filter(|saved| *saved > 0.0) {
            metrics.savings.add_in(saved, ctx);
        }
        // Whoever charges for the step learns that this answer was free.
        ctx.report_cost(0.0);
        if ctx.is_sampled() {
            ctx.set_attribute("cache.hit", true);
            ctx.set_attribute("cache.key_hash", key.to_string());
            ctx.set_attribute("cache.coalesced", wait == Wait::ForAnother);
            if let Some(saved) = saved {
                ctx.set_attribute("cache.saved_usd", saved);
            }
        }
        let value = entry.value.clone();
        metrics.get_hit.record_in(self.since(begun), ctx);
        value
    }

    pub(super) fn missed(
        &self,
        key: CacheKey,
        reason: MissReason,
        begun: Instant,
        ctx: &WorkflowContext,
    ) {
        let metrics = self.metrics();
        let counter = match reason {
            MissReason::Absent => &metrics.absent,
            MissReason::Expired => &metrics.expired,
        };
        counter.increment_in(ctx);
        metrics.get_miss.record_in(self.since(begun), ctx);
        if ctx.is_sampled() {
            ctx.set_attribute("cache.hit", false);
            ctx.set_attribute("cache.miss_reason", reason.as_str());
            ctx.set_attribute("cache.key_hash", key.to_string());
        }
    }

    pub(super) fn bypassed(&self, ctx: &WorkflowContext) {
        let metrics = self.metrics();
        metrics.bypass.increment_in(ctx);
        metrics.get_miss.record_in(Duration::ZERO, ctx);
        ctx.set_attribute("cache.hit", false);
        ctx.set_attribute("cache.miss_reason", "bypass");
    }

    /// Removes an entry that may not answer any more, unless somebody else has.
    pub(super) fn discard(
        &self,
        key: CacheKey,
        entry: &Arc<Entry<P::Output>>,
        why: Discard,
        ctx: &WorkflowContext,
    ) {
        let begun = self.now();
        let removed = ctx.in_span_now(&EVICT_SPAN, || {
            describe_eviction(key, why.as_str(), ctx);
            self.store.remove(key, entry)
        });
        let metrics = self.metrics();
        metrics.evict.record_in(self.since(begun), ctx);
        if removed {
            match why {
                Discard::Expired => metrics.evicted_expired.increment_in(ctx),
                Discard::Outdated => metrics.evicted_explicitly.increment_in(ctx),
            }
            metrics.resize(-1, -signed(entry.bytes));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    None,
    ForAnother,
}

#[derive(Clone, Copy)]
pub(super) enum MissReason {
    Absent,
    Expired,
}

impl MissReason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Expired => "expired",
        }
    }
}

/// Why an entry may not answer any more.
#[derive(Clone, Copy)]
pub(super) enum Discard {
    Expired,
    /// Its computation began before everything was cleared.
    Outdated,
}

impl Discard {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Outdated => "explicit",
        }
    }
}

fn usd(nano_usd: u64) -> f64 {
    nano_usd as f64 / Unit::UsDollars.scale()
}
