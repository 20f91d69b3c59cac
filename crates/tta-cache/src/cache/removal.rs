//! Removing what is held, in memory and outside.

use tta_core::{Error, ErrorKind, Primitive, Result, WorkflowContext};

use super::CachePrimitive;
use super::hit::describe_eviction;
use crate::catalog::EVICT_SPAN;
use crate::freshness::Age;
use crate::remote::Removed;
use crate::store::Store;

impl<P> CachePrimitive<P>
where
    P: Primitive + 'static,
    P::Input: Sync,
    P::Output: Clone + Sync,
{
    /// Removes what is held for this input; whether there was anything. What is being computed for
    /// it in this process reaches those who wait for it and is not stored.
    ///
    /// The memory of other processes answers on until their
    /// [time to live](crate::CacheConfig::with_memory_ttl).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if it is not known to be gone outside the process. In memory it is.
    pub async fn invalidate(&self, input: &P::Input, ctx: &WorkflowContext) -> Result<bool> {
        let body = &self.body;
        let Some(key) = body.key(input, ctx) else {
            return Ok(false);
        };
        let begun = body.now();
        let held = ctx.in_span_now(&EVICT_SPAN, || {
            describe_eviction(key, "explicit", ctx);
            let take = || body.memory.as_ref().and_then(|memory| memory.take(key));
            let taken = body.flights.spoil(key, take);
            body.removed(taken.into_iter().collect(), |it| &it.evicted_explicitly)
        });
        body.metrics().evict.record_in(body.since(begun), ctx);
        let outside = match (&body.outside, body.shared_key(input, ctx)) {
            (Some(outside), Some(key)) => counted(outside.remove(key).await)?,
            _ => 0,
        };
        Ok(held + outside > 0)
    }

    /// Removes everything that goes with a [tag](crate::CacheConfig::with_tags) and tells how much
    /// it was, in whichever tier there was more of it; of what is being computed, what turns out to
    /// go with it is not stored. Looks at every entry in memory.
    ///
    /// # Errors
    ///
    /// As for [`invalidate`](Self::invalidate).
    pub async fn invalidate_tag(&self, tag: &str) -> Result<u64> {
        let body = &self.body;
        // First what is under way: what it stores until the sweep is swept.
        body.flights.spoil_tag(tag);
        let memory = body.memory.as_ref();
        let gone = memory.map(|memory| memory.remove_where(|entry| entry.has_tag(tag)));
        let held = body.removed(gone.unwrap_or_default(), |it| &it.evicted_explicitly);
        let outside = match &body.outside {
            Some(outside) => counted(outside.remove_tag(tag).await)?,
            None => 0,
        };
        Ok(held.max(outside))
    }

    /// Removes everything and tells how much it was, in whichever tier there was more of it. What is
    /// being computed in this process is not stored.
    ///
    /// # Errors
    ///
    /// As for [`invalidate`](Self::invalidate).
    pub async fn clear(&self) -> Result<u64> {
        let body = &self.body;
        body.flights.spoil_all();
        let gone = body.memory.as_ref().map(Store::clear);
        let held = body.removed(gone.unwrap_or_default(), |it| &it.evicted_explicitly);
        let outside = match &body.outside {
            Some(outside) => counted(outside.clear().await)?,
            None => 0,
        };
        Ok(held.max(outside))
    }

    /// Removes from memory what may not answer any more and tells how much it was. Outside that
    /// happens by itself.
    ///
    /// An entry that is asked for after it has expired is removed then; this is for those that
    /// nobody asks for.
    pub fn evict_expired(&self) -> u64 {
        let body = &self.body;
        let Some(memory) = &body.memory else { return 0 };
        let (now, ageing) = (body.now(), body.config.ageing);
        let gone = memory.remove_where(|entry| entry.age(&ageing, now) == Age::Expired);
        body.removed(gone, |it| &it.evicted_expired)
    }
}

fn counted(removed: Removed) -> Result<u64> {
    match removed {
        Removed::Entries(count) => Ok(count),
        Removed::Unavailable => Err(Error::new(
            ErrorKind::Unavailable,
            "the tier outside could not be told to remove what it holds; it may still answer with it",
        )),
    }
}
