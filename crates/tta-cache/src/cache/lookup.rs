//! Looking a key up: in memory, with those who compute it, and outside the process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tta_core::{Primitive, Result};

use super::hit::{Call, MissReason, Way};
use super::{Body, CachePrimitive, Landed, refresh};
use crate::failure::{asks_for_itself, leader_panicked, waited_too_long};
use crate::flight::{Ended, Follower, Joined, Lead};
use crate::freshness::{Age, random_share};
use crate::key::{CacheKey, SharedKey};
use crate::leading::is_inside;
use crate::outside::{HeldLock, Nothing, Outside, Right};
use crate::store::Entry;
use crate::timer::{sleep, within};

/// What came of a lookup.
pub(super) enum Lookup<V> {
    Hit(V),
    Lead(Box<Plan<V>>),
}

/// What the caller that computes has to see to.
pub(super) struct Plan<V> {
    pub(super) key: CacheKey,
    pub(super) lead: Lead<CacheKey, Landed<V>>,
    /// Where to keep the value outside, if it is to be kept there.
    pub(super) keep_at: Option<SharedKey>,
    pub(super) lock: Option<HeldLock>,
    /// What answers if computing fails.
    pub(super) stand_in: Option<Arc<Entry<V>>>,
    pub(super) tags: Vec<String>,
}

/// What memory had to say to somebody who would compute.
pub(super) struct Before<V> {
    pub(super) reason: MissReason,
    /// What answers if computing fails.
    pub(super) stand_in: Option<Arc<Entry<V>>>,
    /// What answers if the tier outside cannot be asked.
    pub(super) unchecked: Option<Arc<Entry<V>>>,
    /// Whether a value past its time may answer once more.
    pub(super) takes_stale: bool,
}

/// What the tier outside says to somebody who would compute.
pub(super) enum Consulted<V> {
    Found(Arc<Entry<V>>),
    Compute {
        lock: Option<HeldLock>,
        keep_at: Option<SharedKey>,
    },
}

/// How the wait for somebody else's computation ended.
enum Waited<V> {
    Answer(V),
    /// With nothing for this caller, who comes before whatever is computed from now on.
    Again,
}

impl<P> CachePrimitive<P>
where
    P: Primitive + 'static,
    P::Input: Sync,
    P::Output: Clone + Sync,
{
    /// Finds an answer, or the right to compute one. `refreshes` is whether a value past its time
    /// may be computed anew in the background.
    pub(super) async fn look_up(
        &self,
        input: &P::Input,
        call: &Call<'_>,
        refreshes: bool,
    ) -> Result<Lookup<P::Output>> {
        let body = &*self.body;
        let mut before = Before {
            reason: MissReason::Absent,
            stand_in: None,
            unchecked: None,
            takes_stale: refreshes && Handle::try_current().is_ok(),
        };
        let mut was_first = false;
        let lead = loop {
            let now = body.now();
            if let Some(entry) = body.find(call.key) {
                match body.age(&entry, now) {
                    Age::Fresh => {
                        if refreshes && body.is_due_early(&entry, now) {
                            self.refresh(input, &entry, refresh::EARLY, call);
                        }
                        return Ok(Lookup::Hit(body.hit(&entry, Way::default(), call)));
                    }
                    Age::Stale if before.takes_stale => {
                        self.refresh(input, &entry, refresh::STALE, call);
                        return Ok(Lookup::Hit(body.hit(&entry, STALE, call)));
                    }
                    age => body.put_aside(entry, age, &mut before, call),
                }
            }
            match body.flights.join(call.key, || body.answers(call.key)) {
                Joined::Found(()) => {}
                Joined::Lead(lead) => break lead,
                Joined::Follow(follower) => {
                    let waited = body.follow(follower, was_first, &before, call).await?;
                    match waited {
                        Waited::Answer(value) => return Ok(Lookup::Hit(value)),
                        Waited::Again => was_first = true,
                    }
                }
            }
        };
        let key = body.shared_key(input, call.ctx);
        match body.consult(key, &mut before, call).await? {
            Consulted::Found(entry) => {
                body.take_in(call.key, &entry, lead);
                let stale = body.age(&entry, body.now()) == Age::Stale;
                if stale && before.takes_stale {
                    self.refresh(input, &entry, refresh::STALE, call);
                }
                let way = Way {
                    stale,
                    outside: entry.from_outside,
                    coalesced: false,
                };
                Ok(Lookup::Hit(body.hit(&entry, way, call)))
            }
            Consulted::Compute { lock, keep_at } => {
                body.missed(before.reason, call);
                let tags = body.config.tags.as_ref();
                Ok(Lookup::Lead(Box::new(Plan {
                    key: call.key,
                    lead,
                    keep_at,
                    lock,
                    stand_in: before.stand_in,
                    tags: tags.map_or_else(Vec::new, |tags| tags(input)),
                })))
            }
        }
    }
}

impl<P> Body<P>
where
    P: Primitive + 'static,
    P::Input: Sync,
    P::Output: Clone + Sync,
{
    /// What is held in memory or outside, without computing or waiting.
    pub(super) async fn peek(&self, input: &P::Input, call: &Call<'_>) -> Option<P::Output> {
        let mut before = Before {
            reason: MissReason::Absent,
            stand_in: None,
            unchecked: None,
            takes_stale: false,
        };
        if let Some(entry) = self.find(call.key) {
            match self.age(&entry, call.begun) {
                Age::Fresh => return Some(self.hit(&entry, Way::default(), call)),
                age => self.put_aside(entry, age, &mut before, call),
            }
        }
        if let (Some(outside), Some(key)) = (&self.outside, self.shared_key(input, call.ctx)) {
            match outside.fetch(key, |value| self.weigh(value)).await {
                Ok(entry) if self.age(&entry, self.now()) == Age::Fresh => {
                    let entry = Arc::new(entry);
                    if let Some(lead) = self.flights.try_lead(call.key, || true) {
                        self.take_in(call.key, &entry, lead);
                    }
                    return Some(self.hit(&entry, OUTSIDE, call));
                }
                Ok(_) => before.reason = MissReason::Expired,
                Err(Nothing::Unavailable) if before.unchecked.is_some() => {
                    let entry = before.unchecked?;
                    return Some(self.hit(&entry, Way::default(), call));
                }
                Err(nothing) => before.says(nothing.into()),
            }
        }
        self.missed(before.reason, call);
        None
    }

    /// Notes what an entry that does not answer at once is good for.
    fn put_aside(
        &self,
        entry: Arc<Entry<P::Output>>,
        age: Age,
        before: &mut Before<P::Output>,
        call: &Call<'_>,
    ) {
        before.reason = MissReason::Expired;
        match age {
            Age::Stale | Age::Spent => before.stand_in = Some(entry),
            Age::Fresh | Age::Unchecked => {
                if !self.config.ageing.stale_if_error.is_zero() {
                    before.stand_in = Some(Arc::clone(&entry));
                }
                before.unchecked = Some(entry);
            }
            Age::Expired => self.discard(&entry, call),
        }
    }

    /// Waits for somebody else's computation. What is not for everybody, an error or an answer that
    /// may not be kept, is for those who were here before it was begun: it is what they would have
    /// got themselves, and it ends the wait of all of them at once.
    async fn follow(
        &self,
        follower: Follower<Landed<P::Output>>,
        was_first: bool,
        before: &Before<P::Output>,
        call: &Call<'_>,
    ) -> Result<Waited<P::Output>> {
        if is_inside(follower.id()) {
            self.missed(before.reason, call);
            return Err(asks_for_itself());
        }
        if let Some(entry) = self.stale_of(before) {
            return Ok(Waited::Answer(self.hit(entry, STALE, call)));
        }
        let Some(ended) = within(call.ctx.remaining(), follower).await else {
            self.missed(before.reason, call);
            return Err(waited_too_long());
        };
        let answer = |entry: &Arc<Entry<P::Output>>| {
            let way = Way {
                coalesced: true,
                outside: entry.from_outside,
                stale: false,
            };
            Ok(Waited::Answer(self.hit(entry, way, call)))
        };
        match ended {
            Ended::With(Landed::Kept(entry))
                if was_first || self.age(&entry, self.now()) == Age::Fresh =>
            {
                answer(&entry)
            }
            Ended::With(Landed::Refused(entry)) if was_first => answer(&entry),
            Ended::With(Landed::Failed(failure)) if was_first => {
                self.missed(before.reason, call);
                match &before.stand_in {
                    Some(entry) => Ok(Waited::Answer(entry.value.get().clone())),
                    None => Err(failure.to_error()),
                }
            }
            Ended::Panicked if was_first => {
                self.missed(before.reason, call);
                Err(leader_panicked())
            }
            Ended::With(_) | Ended::Panicked | Ended::Abandoned => Ok(Waited::Again),
        }
    }

    /// Asks the tier outside, and waits there for the computation of another process.
    pub(super) async fn consult(
        &self,
        key: Option<SharedKey>,
        before: &mut Before<P::Output>,
        call: &Call<'_>,
    ) -> Result<Consulted<P::Output>> {
        let (Some(outside), Some(key)) = (&self.outside, key) else {
            return Ok(compute(None, None));
        };
        let begun = self.now();
        let mut pause = FIRST_PAUSE;
        loop {
            match self.fetch(outside, key, before).await {
                Ok(entry) => return Ok(Consulted::Found(entry)),
                // A tier that does not answer is not asked to lock or to keep anything either.
                Err(Nothing::Unavailable) => {
                    return Ok(match before.unchecked.take() {
                        Some(entry) => Consulted::Found(entry),
                        None => compute(None, None),
                    });
                }
                Err(_) => {}
            }
            let Some(wait) = outside.wait() else { break };
            match outside.claim(key).await {
                // A tier that cannot lock does not write: there is nothing to keep in it either.
                Right::Unavailable => return Ok(compute(None, None)),
                Right::Ours(lock) => {
                    // Somebody may have been done between the look and the claim.
                    return Ok(match self.fetch(outside, key, before).await {
                        Ok(entry) => {
                            lock.release().await;
                            Consulted::Found(entry)
                        }
                        Err(_) => compute(Some(lock), Some(key)),
                    });
                }
                Right::Taken => {}
            }
            if let Some(entry) = self.stale_of(before) {
                return Ok(Consulted::Found(Arc::clone(entry)));
            }
            let patience = call.ctx.remaining().unwrap_or(Duration::MAX);
            if patience.is_zero() {
                self.missed(before.reason, call);
                return Err(waited_too_long());
            }
            let left = wait.saturating_sub(self.since(begun));
            let time = pause.mul_f64(0.5 + random_share() / 2.0);
            match sleep(time.min(left).min(patience)) {
                Some(sleep) if !left.is_zero() => sleep.await,
                _ => break,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(compute(None, Some(key)))
    }

    /// What the tier outside holds that answers; what does not is put aside.
    async fn fetch(
        &self,
        outside: &Outside<P::Output>,
        key: SharedKey,
        before: &mut Before<P::Output>,
    ) -> Result<Arc<Entry<P::Output>>, Nothing> {
        match outside.fetch(key, |value| self.weigh(value)).await {
            Ok(entry) => {
                let entry = Arc::new(entry);
                match self.age(&entry, self.now()) {
                    Age::Fresh => return Ok(entry),
                    Age::Stale if before.takes_stale => return Ok(entry),
                    Age::Stale | Age::Spent => before.stand_in = Some(entry),
                    Age::Unchecked | Age::Expired => {}
                }
                before.reason = MissReason::Expired;
                Err(Nothing::Expired)
            }
            Err(nothing) => {
                before.says(nothing.into());
                Err(nothing)
            }
        }
    }

    /// What answers once more while somebody else computes it anew.
    fn stale_of<'b>(&self, before: &'b Before<P::Output>) -> Option<&'b Arc<Entry<P::Output>>> {
        let entry = before.stand_in.as_ref()?;
        (self.age(entry, self.now()) == Age::Stale).then_some(entry)
    }

    /// Puts an entry from outside into memory, and tells those who wait for it.
    pub(super) fn take_in(
        &self,
        key: CacheKey,
        entry: &Arc<Entry<P::Output>>,
        lead: Lead<CacheKey, Landed<P::Output>>,
    ) {
        let stored = lead.land(Landed::Kept(Arc::clone(entry)), |spoiled| {
            let goes = spoiled.tags.iter().any(|tag| entry.has_tag(tag));
            let memory = self.memory.as_ref().filter(|_| !goes)?;
            let held = memory.find(key);
            let is_there = held.is_some_and(|held| Arc::ptr_eq(&held, entry));
            (!is_there).then(|| memory.insert(key, entry))
        });
        lead.finish();
        if let Some(stored) = stored {
            self.settle(entry, &stored);
        }
    }

    pub(super) fn find(&self, key: CacheKey) -> Option<Arc<Entry<P::Output>>> {
        self.memory.as_ref()?.find(key)
    }

    /// Whether memory answers by now.
    fn answers(&self, key: CacheKey) -> Option<()> {
        let entry = self.find(key)?;
        (self.age(&entry, self.now()) == Age::Fresh).then_some(())
    }

    fn is_due_early(&self, entry: &Entry<P::Output>, now: Instant) -> bool {
        let ageing = &self.config.ageing;
        let end = entry.fresh_until;
        end.is_some_and(|end| ageing.is_due_early(entry.took, end, now))
    }
}

impl<V> Before<V> {
    /// That memory held something past its time says more than that there is nothing outside, where
    /// such things are removed by themselves.
    fn says(&mut self, reason: MissReason) {
        if reason != MissReason::Absent {
            self.reason = reason;
        }
    }
}

fn compute<V>(lock: Option<HeldLock>, keep_at: Option<SharedKey>) -> Consulted<V> {
    Consulted::Compute { lock, keep_at }
}

const STALE: Way = Way {
    stale: true,
    coalesced: false,
    outside: false,
};

const OUTSIDE: Way = Way {
    stale: false,
    coalesced: false,
    outside: true,
};

/// Between two looks at what another process computes: short at first, since many computations are.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
