//! Computing for all who wait, and keeping what comes of it.

use std::sync::Arc;
use std::time::Duration;

use tta_core::{Primitive, Result, WorkflowContext};

use super::lookup::Plan;
use super::{Body, Landed, signed};
use crate::catalog::SET_SPAN;
use crate::failure::Failure;
use crate::leading::leading;
use crate::store::{Entry, Stored, let_go};
use crate::verdict::CacheVerdict;

impl<P> Body<P>
where
    P: Primitive + 'static,
    P::Input: Sync,
    P::Output: Clone + Sync,
{
    /// Runs the computation of a call that has no key.
    pub(super) async fn measured(
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

    /// Runs the computation for all who wait for it.
    pub(super) async fn lead(
        &self,
        mut plan: Plan<P::Output>,
        computation: impl Future<Output = Result<P::Output>> + Send,
        metered: &WorkflowContext,
        ctx: &WorkflowContext,
    ) -> Result<P::Output> {
        let begun = self.now();
        let computation = leading(plan.lead.id(), computation);
        let result = match &plan.lock {
            Some(lock) => lock.keep(computation).await,
            None => computation.await,
        };
        let took = self.since(begun);
        let metrics = self.metrics();
        let error = match result {
            Ok(value) => {
                metrics.compute_ok.record_in(took, ctx);
                self.keep(plan, &value, took, metered, ctx).await;
                return Ok(value);
            }
            Err(error) => error,
        };
        let lock = plan.lock.take();
        // Who had no time left says nothing about those who have.
        if ctx.remaining().is_none_or(|left| !left.is_zero()) {
            let failure = Failure::of(&error);
            plan.lead.end(Landed::Failed(Arc::new(failure)));
        } else {
            drop(plan.lead);
        }
        let duration = match &plan.stand_in {
            Some(_) => &metrics.compute_stale,
            None => &metrics.compute_error,
        };
        duration.record_in(took, ctx);
        let answer = plan
            .stand_in
            .map_or(Err(error), |entry| Ok(entry.value.clone()));
        if let Some(lock) = lock {
            lock.release().await;
        }
        answer
    }

    /// Keeps a value where it may be kept, and tells those who wait for it.
    async fn keep(
        &self,
        plan: Plan<P::Output>,
        value: &P::Output,
        took: Duration,
        metered: &WorkflowContext,
        ctx: &WorkflowContext,
    ) {
        let usage = metered.usage();
        let verdict = self.verdict(value, usage.incomplete);
        let negative = verdict == CacheVerdict::StoreNegative;
        let lifetime = self.config.ageing.lifetime(negative);
        let begun = self.now();
        let entry = Arc::new(Entry {
            value: value.clone(),
            // A time to live beyond the end of time is none.
            fresh_until: lifetime.fresh.and_then(|fresh| begun.checked_add(fresh)),
            memory_until: self
                .config
                .memory_ttl
                .and_then(|ttl| begun.checked_add(ttl)),
            cost_nano_usd: usage.cost_nano_usd,
            took,
            bytes: self.weigh(value),
            tags: self.tags(plan.tags, value),
            from_outside: false,
        });
        if verdict == CacheVerdict::Skip {
            plan.lead.end(Landed::Refused(entry));
            if let Some(lock) = plan.lock {
                lock.release().await;
            }
            return;
        }
        self.charge_write(ctx);
        let setting = ctx.in_span(&SET_SPAN, async {
            let has_spoiled = |tags: &[String]| tags.iter().any(|tag| entry.has_tag(tag));
            let landed = Landed::Kept(Arc::clone(&entry));
            let stored = plan.lead.land(landed, |spoiled| {
                let keeps = !has_spoiled(&spoiled.tags);
                keeps.then(|| self.memory.as_ref().map(|it| it.insert(plan.key, &entry)))
            });
            let wanted = stored.is_some();
            let in_memory = stored.flatten().map(|stored| self.settle(&entry, stored));
            if ctx.is_sampled() {
                ctx.set_attribute("cache.key_hash", plan.key.to_string());
                ctx.set_attribute("cache.negative", negative);
                let (kept, evicted) = in_memory.unwrap_or_default();
                ctx.set_attribute("cache.stored", kept);
                ctx.set_attribute("cache.evicted", evicted);
                if let Some(fresh) = lifetime.fresh {
                    ctx.set_attribute("cache.ttl_ms", whole_millis(fresh));
                }
                if let Some(cost) = usage.cost_usd() {
                    ctx.set_attribute("cost_usd", cost);
                }
            }
            let (Some(tier), Some(key), true) = (&self.outside, plan.keep_at, wanted) else {
                return Ok(true);
            };
            let outside = tier.store(key, &entry, lifetime, ctx).await;
            ctx.set_attribute("cache.outside", outside);
            let spoiled = plan.lead.finish();
            // What was invalidated while it was on its way must not stay where it arrived.
            if spoiled.is_none_or(|spoiled| has_spoiled(&spoiled.tags)) {
                tier.remove(key).await;
            }
            Ok(outside)
        });
        // Only a panic of the user's codec is an error here, and the caller has its value all the
        // same.
        let kept = setting.await.unwrap_or(false);
        let metrics = self.metrics();
        let duration = if kept {
            &metrics.set
        } else {
            &metrics.set_error
        };
        duration.record_in(self.since(begun), ctx);
        if let Some(lock) = plan.lock {
            lock.release().await;
        }
    }

    /// Counts what storing an entry in memory has changed.
    ///
    /// Gives back whether the entry is there, and how many made room for it.
    pub(super) fn settle(
        &self,
        entry: &Entry<P::Output>,
        stored: Stored<P::Output>,
    ) -> (bool, usize) {
        let kept_and_evicted = (stored.kept, stored.evicted.len());
        let metrics = self.metrics();
        metrics.resize(1, signed(entry.bytes));
        for gone in &stored.evicted {
            metrics.evicted_by_capacity.increment();
            metrics.resize(-1, -signed(gone.bytes));
        }
        if let Some(replaced) = &stored.replaced {
            metrics.resize(-1, -signed(replaced.bytes));
        }
        let_go(stored.evicted.into_iter().chain(stored.replaced));
        kept_and_evicted
    }

    fn verdict(&self, value: &P::Output, incomplete: bool) -> CacheVerdict {
        if incomplete && !self.config.keeps_incomplete {
            return CacheVerdict::Skip;
        }
        let verdict = self.config.verdict.as_ref();
        verdict.map_or(CacheVerdict::Store, |verdict| verdict(value))
    }

    fn tags(&self, of_input: Vec<String>, value: &P::Output) -> Vec<Arc<str>> {
        let of_value = self.config.value_tags.as_ref();
        let of_value = of_value.map_or_else(Vec::new, |tags| tags(value));
        let mut tags: Vec<Arc<str>> = of_input
            .into_iter()
            .chain(of_value)
            .map(Arc::from)
            .collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }
}

/// Milliseconds for an attribute.
fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
