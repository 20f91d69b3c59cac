//! One computation a key, however many ask: who leads it, who follows, and what they learn.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use crate::sync::{Arc, Mutex, MutexGuard};

/// The computations that are under way.
pub(crate) struct Flights<K, T> {
    shards: Box<[Mutex<Shard<K, T>>]>,
    hash: RandomState,
}

type Shard<K, T> = HashMap<K, Arc<Flight<T>>>;

/// What became of asking for a key.
pub(crate) enum Joined<K: Copy + Eq + Hash, T, X> {
    /// Nobody computes it: the caller is to.
    Lead(Lead<K, T>),
    /// Somebody does.
    Follow(Follower<T>),
    /// Somebody has, just before.
    Found(X),
}

/// The right to compute a key's value while others wait; dropped, it passes to one of them.
pub(crate) struct Lead<K: Copy + Eq + Hash, T> {
    flights: Arc<Flights<K, T>>,
    key: K,
    flight: Arc<Flight<T>>,
}

/// How a computation ended, for those who waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended<T> {
    With(T),
    /// Its leader went without a word.
    Abandoned,
    /// Its leader panicked.
    Panicked,
}

/// Waits for somebody else's computation.
pub(crate) struct Follower<T> {
    flight: Arc<Flight<T>>,
    place: Option<u64>,
}

/// What was asked to go while a computation was under way.
#[derive(Debug, Default)]
pub(crate) struct Spoiled {
    pub(crate) tags: Vec<String>,
}

struct Flight<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    ended: Option<Ended<T>>,
    waiting: BTreeMap<u64, Waker>,
    next: u64,
    spoiled: Spoiled,
}

impl<K: Copy + Eq + Hash, T: Clone> Flights<K, T> {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            shards: (0..shards).map(|_| Mutex::new(HashMap::new())).collect(),
            hash: RandomState::new(),
        }
    }

    /// Follows whoever computes the key, or leads if nobody does and `look` finds nothing.
    ///
    /// `look` runs under a lock: between a computation that has just ended and one that begins there
    /// is no gap in which its value is overlooked.
    pub(crate) fn join<X>(
        self: &Arc<Self>,
        key: K,
        look: impl FnOnce() -> Option<X>,
    ) -> Joined<K, T, X> {
        let mut shard = self.shard(&key);
        if let Some(flight) = shard.get(&key) {
            return Joined::Follow(Follower {
                flight: Arc::clone(flight),
                place: None,
            });
        }
        match look() {
            Some(found) => Joined::Found(found),
            None => Joined::Lead(self.begin(&mut shard, key)),
        }
    }

    /// Leads if nobody computes the key and `wanted` still holds.
    pub(crate) fn try_lead(
        self: &Arc<Self>,
        key: K,
        wanted: impl FnOnce() -> bool,
    ) -> Option<Lead<K, T>> {
        let mut shard = self.shard(&key);
        (!shard.contains_key(&key) && wanted()).then(|| self.begin(&mut shard, key))
    }

    /// Keeps what is being computed for a key from being stored; whoever asks from now on computes
    /// anew. `remove` runs under the same lock.
    pub(crate) fn spoil<R>(&self, key: K, remove: impl FnOnce() -> R) -> R {
        let (gone, removed) = {
            let mut shard = self.shard(&key);
            (shard.remove(&key), remove())
        };
        drop(gone);
        removed
    }

    /// The same for all keys.
    pub(crate) fn spoil_all(&self) {
        for shard in &self.shards {
            let gone = std::mem::take(&mut *lock(shard));
            drop(gone);
        }
    }

    /// The same for what turns out to have a tag.
    pub(crate) fn spoil_tag(&self, tag: &str) {
        for shard in &self.shards {
            for flight in lock(shard).values() {
                lock(&flight.state).spoiled.tags.push(tag.to_owned());
            }
        }
    }

    fn begin(self: &Arc<Self>, shard: &mut Shard<K, T>, key: K) -> Lead<K, T> {
        let flight = Arc::new(Flight {
            state: Mutex::new(State {
                ended: None,
                waiting: BTreeMap::new(),
                next: 0,
                spoiled: Spoiled::default(),
            }),
        });
        shard.insert(key, Arc::clone(&flight));
        Lead {
            flights: Arc::clone(self),
            key,
            flight,
        }
    }
}

impl<K: Copy + Eq + Hash, T> Flights<K, T> {
    fn shard(&self, key: &K) -> MutexGuard<'_, Shard<K, T>> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::indexing_slicing,
            reason = "a remainder of the number of shards is one of them"
        )]
        let shard = &self.shards[self.hash.hash_one(key) as usize % self.shards.len()];
        lock(shard)
    }
}

impl<K: Copy + Eq + Hash, T: Clone> Lead<K, T> {
    /// Stores a value, unless it was spoiled, and tells those who wait. The flight stays in reach
    /// until the lead is [finished](Self::finish), so that what is spoiled meanwhile is known.
    ///
    /// `insert` runs under a lock, so that nothing is invalidated between the look and the deed.
    pub(crate) fn land<R>(
        &self,
        outcome: T,
        insert: impl FnOnce(&Spoiled) -> Option<R>,
    ) -> Option<R> {
        let stored = {
            let shard = self.flights.shard(&self.key);
            if self.is_current(&shard) {
                insert(&lock(&self.flight.state).spoiled)
            } else {
                None
            }
        };
        self.flight.end(Ended::With(outcome));
        stored
    }

    /// Ends the flight with what is stored nowhere.
    pub(crate) fn end(self, outcome: T) {
        self.leave();
        self.flight.end(Ended::With(outcome));
    }

    /// Ends the flight; what was spoiled since it began, or none if the whole of it was.
    pub(crate) fn finish(self) -> Option<Spoiled> {
        let current = self.leave();
        let spoiled = std::mem::take(&mut lock(&self.flight.state).spoiled);
        current.then_some(spoiled)
    }
}

impl<K: Copy + Eq + Hash, T> Lead<K, T> {
    /// What tells this flight from all others that are under way.
    pub(crate) fn id(&self) -> usize {
        identity(&self.flight)
    }

    fn is_current(&self, shard: &Shard<K, T>) -> bool {
        let held = shard.get(&self.key);
        held.is_some_and(|held| Arc::ptr_eq(held, &self.flight))
    }

    /// Takes the flight out of reach; whether it was in it.
    fn leave(&self) -> bool {
        let mut shard = self.flights.shard(&self.key);
        let current = self.is_current(&shard);
        if current {
            shard.remove(&self.key);
        }
        current
    }
}

impl<K: Copy + Eq + Hash, T> Drop for Lead<K, T> {
    fn drop(&mut self) {
        self.leave();
        self.flight.end(if std::thread::panicking() {
            Ended::Panicked
        } else {
            Ended::Abandoned
        });
    }
}

impl<T> Flight<T> {
    /// The first word counts.
    fn end(&self, ended: Ended<T>) {
        let waiting = {
            let mut state = lock(&self.state);
            if state.ended.is_some() {
                return;
            }
            state.ended = Some(ended);
            std::mem::take(&mut state.waiting)
        };
        for waker in waiting.into_values() {
            waker.wake();
        }
    }
}

impl<T> Follower<T> {
    /// The [same](Lead::id) as its leader's.
    pub(crate) fn id(&self) -> usize {
        identity(&self.flight)
    }
}

impl<T: Clone> Future for Follower<T> {
    type Output = Ended<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended<T>> {
        let this = self.get_mut();
        let replaced = {
            let mut state = lock(&this.flight.state);
            if let Some(ended) = &state.ended {
                return Poll::Ready(ended.clone());
            }
            let place = *this.place.get_or_insert_with(|| {
                state.next += 1;
                state.next
            });
            match state.waiting.get(&place) {
                Some(known) if known.will_wake(cx.waker()) => None,
                _ => state.waiting.insert(place, cx.waker().clone()),
            }
        };
        // A waker is somebody else's code.
        drop(replaced);
        Poll::Pending
    }
}

impl<T> Drop for Follower<T> {
    fn drop(&mut self) {
        let waker = self
            .place
            .and_then(|place| lock(&self.flight.state).waiting.remove(&place));
        drop(waker);
    }
}

impl<K, T> fmt::Debug for Flights<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights")
            .field("shards", &self.shards.len())
            .finish_non_exhaustive()
    }
}

fn identity<T>(flight: &Arc<Flight<T>>) -> usize {
    std::ptr::from_ref(&**flight).addr()
}

/// No code of a user runs under these locks but the cloning of what was computed, which is a
/// reference count, so a poisoned one is in order.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
