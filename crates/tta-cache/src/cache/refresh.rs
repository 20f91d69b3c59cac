//! Computing anew in the background.

use std::sync::{Arc, PoisonError};

use tokio::runtime::Handle;
use tta_core::{Primitive, Result, WorkflowContext};

use super::hit::{Call, MissReason};
use super::lookup::{Before, Consulted, Plan};
use super::{Body, CachePrimitive, Landed};
use crate::catalog::REFRESH_SPAN;
use crate::flight::Lead;
use crate::key::{CacheKey, SharedKey};
use crate::store::Entry;

impl<P> CachePrimitive<P>
where
    P: Primitive + 'static,
    P::Input: Sync,
    P::Output: Clone + Sync,
{
    /// Computes an entry anew in the background, unless somebody does already.
    ///
    /// The span lies below the lookup that found the entry old, so that the trace of whoever
    /// triggered it shows it. The task is dropped with the cache.
    pub(super) fn refresh(
        &self,
        input: &P::Input,
        entry: &Arc<Entry<P::Output>>,
        why: &'static str,
        call: &Call<'_>,
    ) {
        let body = &self.body;
        let (Ok(runtime), Some(keep)) = (Handle::try_current(), body.config.keep_input) else {
            return;
        };
        let is_held = || match &body.memory {
            Some(memory) => {
                let held = memory.find(call.key);
                held.is_some_and(|held| Arc::ptr_eq(&held, entry))
            }
            None => true,
        };
        let Some(lead) = body.flights.try_lead(call.key, is_held) else {
            return;
        };
        let refresh = Refresh {
            key: call.key,
            lead,
            input: keep(input),
            keep_at: body.shared_key(input, call.ctx),
            tags: (body.config.tags.as_ref()).map_or_else(Vec::new, |tags| tags(input)),
            why,
        };
        let (body, ctx) = (Arc::clone(body), call.ctx.detached());
        let task = async move { body.run(refresh, &ctx).await };
        let mut refreshes = self
            .refreshes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while refreshes.try_join_next().is_some() {}
        refreshes.spawn_on(task, &runtime);
    }
}

/// A computation in the background that is about to begin.
struct Refresh<I, V> {
    key: CacheKey,
    lead: Lead<CacheKey, Landed<V>>,
    input: I,
    keep_at: Option<SharedKey>,
    tags: Vec<String>,
    why: &'static str,
}

impl<P> Body<P>
where
    P: Primitive + 'static,
    P::Input: Sync,
    P::Output: Clone + Sync,
{
    async fn run(&self, refresh: Refresh<P::Input, P::Output>, ctx: &WorkflowContext) {
        let begun = self.now();
        let refreshed = ctx.in_span(&REFRESH_SPAN, self.compute_anew(refresh, ctx));
        let metrics = self.metrics();
        // The error has been recorded by the step that it began in; the value goes on to answer for
        // as long as it may.
        let duration = match refreshed.await {
            Ok(()) => &metrics.refresh_ok,
            Err(_) => &metrics.refresh_error,
        };
        duration.record_in(self.since(begun), ctx);
    }

    async fn compute_anew(
        &self,
        refresh: Refresh<P::Input, P::Output>,
        ctx: &WorkflowContext,
    ) -> Result<()> {
        if ctx.is_sampled() {
            ctx.set_attribute("cache.key_hash", refresh.key.to_string());
            ctx.set_attribute("cache.refresh_reason", refresh.why);
        }
        let call = Call {
            key: refresh.key,
            begun: self.now(),
            ctx,
        };
        let mut before = Before {
            reason: MissReason::Expired,
            stand_in: None,
            unchecked: None,
            takes_stale: false,
        };
        // A value that is computed anew before its time is still as good as new outside, too: there
        // is nothing to find.
        let keep_at = refresh.keep_at;
        let asked = keep_at.filter(|_| refresh.why != EARLY);
        let (lock, keep_at) = match self.consult(asked, &mut before, &call).await? {
            Consulted::Found(entry) => {
                self.take_in(refresh.key, &entry, refresh.lead);
                return Ok(());
            }
            Consulted::Compute { lock, keep_at: at } => (lock, at.or(keep_at)),
        };
        let plan = Plan {
            key: refresh.key,
            lead: refresh.lead,
            keep_at,
            lock,
            stand_in: None,
            tags: refresh.tags,
        };
        let metered = ctx.metered();
        let computation = self.inner.execute(refresh.input, &metered);
        self.lead(plan, computation, &metered, ctx).await.map(drop)
    }
}

pub(super) const STALE: &str = "stale";
pub(super) const EARLY: &str = "early";
