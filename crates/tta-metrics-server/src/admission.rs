//! Decides who is served when more want to connect than there are places.
//!
//! The newest connection always gets in, at the cost of one that is not being served: a scraper
//! sends its request together with its handshake, while whoever floods the server as a rule
//! holds connections and asks for nothing. In this order a place is taken from
//!
//! 1. a connection with no request under way, the one idle for longest first;
//! 2. one whose client has stopped taking its answer, the one blocked for longest first;
//! 3. nobody: every place is being served, so the newcomer waits, and all behind it wait in the
//!    operating system's queue, until one is done.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

use crate::observer::Rejection;
use crate::stats::Counters;

/// The places, taken and free.
#[derive(Debug)]
pub(crate) struct Admission {
    capacity: usize,
    places: Mutex<Vec<Place>>,
    freed: Notify,
    counters: Arc<Counters>,
}

/// A place taken. Dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Admitted {
    activity: Arc<Activity>,
    eviction: oneshot::Receiver<()>,
    admission: Arc<Admission>,
}

#[derive(Debug)]
struct Place {
    activity: Arc<Activity>,
    /// Dropping it tells the connection to go; none where that has been done.
    keep: Option<oneshot::Sender<()>>,
}

impl Admission {
    pub(crate) fn new(capacity: usize, counters: Arc<Counters>) -> Arc<Self> {
        let places = Mutex::new(Vec::with_capacity(capacity));
        Arc::new(Self {
            capacity,
            places,
            freed: Notify::new(),
            counters,
        })
    }

    /// Waits for a place, taking one from an idle connection if need be.
    pub(crate) async fn admit(self: &Arc<Self>) -> Admitted {
        loop {
            if let Some(admitted) = self.take_place() {
                return admitted;
            }
            // One turn of the event loop, in which every request that has arrived is read.
            tokio::task::yield_now().await;
            self.make_room();
            // A client may also become a stalled one without any place being given back.
            let _either = tokio::time::timeout(STALL, self.freed.notified()).await;
        }
    }

    fn take_place(self: &Arc<Self>) -> Option<Admitted> {
        let mut places = self.lock();
        if places.len() >= self.capacity {
            return None;
        }
        let (keep, eviction) = oneshot::channel();
        let activity = Arc::new(Activity::new());
        places.push(Place {
            activity: Arc::clone(&activity),
            keep: Some(keep),
        });
        self.counters.opened();
        Some(Admitted {
            activity,
            eviction,
            admission: Arc::clone(self),
        })
    }

    /// Tells a quarter of the connections to go, if so many may: one at a time would mean a turn
    /// of the whole event loop for each newcomer of a flood.
    fn make_room(&self) {
        let mut places = self.lock();
        // Whoever was told to go before does so in a moment, and one place is all that is needed.
        if places.len() < self.capacity || places.iter().any(|place| place.keep.is_none()) {
            return;
        }
        let now = Instant::now();
        let mut idle: Vec<_> = places
            .iter_mut()
            .filter_map(|place| Some((place.activity.idleness(now)?, place)))
            .collect();
        idle.sort_unstable_by_key(|(idleness, _)| Reverse(*idleness));
        let evicted = idle.into_iter().take(self.capacity.div_ceil(4));
        let evicted = evicted.map(|(_, place)| place.keep = None).count();
        drop(places);
        for _ in 0..evicted {
            self.counters.rejected(Rejection::Evicted);
        }
    }

    /// How many connections have an answer under way.
    pub(crate) fn busy(&self) -> usize {
        self.lock()
            .iter()
            .filter(|place| place.activity.is_busy())
            .count()
    }

    /// Waits until every place is free.
    pub(crate) async fn emptied(&self) {
        while !self.lock().is_empty() {
            self.freed.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admitted {
    pub(crate) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// Waits until the place is needed for someone else.
    pub(crate) async fn evicted(&mut self) {
        let _taken_away = (&mut self.eviction).await;
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut places = self.admission.lock();
        places.retain(|place| !Arc::ptr_eq(&place.activity, &self.activity));
        self.admission.counters.closed();
        drop(places);
        self.admission.freed.notify_one();
    }
}

/// What one connection is doing.
#[derive(Debug)]
pub(crate) struct Activity {
    opened: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    phase: Phase,
    since: Instant,
    blocked_since: Option<Instant>,
    unread_input: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    AwaitingRequest,
    Rendering,
    /// Some of the answer is sent, and the rest is made as the client takes it.
    Streaming,
    Answered,
}

/// How much a connection deserves to lose its place: the later variant and the longer wait, the
/// more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Idleness {
    Stalled(Duration),
    Idle(Duration),
}

impl Activity {
    fn new() -> Self {
        let now = Instant::now();
        let state = State {
            phase: Phase::AwaitingRequest,
            since: now,
            blocked_since: None,
            unread_input: false,
        };
        Self {
            opened: now,
            state: Mutex::new(state),
        }
    }

    pub(crate) fn opened(&self) -> Instant {
        self.opened
    }

    /// A complete request head has arrived.
    pub(crate) fn request_began(&self, has_body: bool) {
        let mut state = self.lock();
        state.phase = Phase::Rendering;
        state.unread_input = has_body;
    }

    /// The answer begins, and its end is yet to be made.
    pub(crate) fn streaming(&self) {
        self.lock().phase = Phase::Streaming;
    }

    /// The answer is ready to be written to its end.
    pub(crate) fn answered(&self) {
        let mut state = self.lock();
        state.phase = Phase::Answered;
        state.since = Instant::now();
    }

    /// Bytes have arrived; while a request is awaited they are the beginning of one.
    pub(crate) fn received(&self) {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Rendering | Phase::Streaming) {
            state.phase = Phase::AwaitingRequest;
            state.unread_input = true;
        }
    }

    /// The client took some of the answer, or (`blocked`) takes no more for now.
    pub(crate) fn wrote(&self, blocked: bool) {
        let mut state = self.lock();
        state.blocked_since = match state.blocked_since {
            since @ Some(_) if blocked => since,
            _ => blocked.then(Instant::now),
        };
    }

    /// Whether the client may still be sending something that nobody will read.
    pub(crate) fn has_unread_input(&self) -> bool {
        self.lock().unread_input
    }

    /// Whether a request is being answered, as opposed to being awaited.
    pub(crate) fn is_busy(&self) -> bool {
        let state = self.lock();
        let is_being_made = matches!(state.phase, Phase::Rendering | Phase::Streaming);
        is_being_made || state.blocked_since.is_some()
    }

    fn idleness(&self, now: Instant) -> Option<Idleness> {
        let state = *self.lock();
        match (state.phase, state.blocked_since) {
            (Phase::Rendering, _) | (Phase::Streaming, None) => None,
            (_, Some(since)) => {
                let stalled = now.saturating_duration_since(since);
                (stalled >= STALL).then_some(Idleness::Stalled(stalled))
            }
            // Where nothing is blocked, the operating system has the whole answer and delivers
            // it even if the connection is closed.
            (Phase::AwaitingRequest | Phase::Answered, None) => {
                Some(Idleness::Idle(now.saturating_duration_since(state.since)))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a client may take nothing of its answer before it counts as stalled when places are
/// short: many round trips of a local network, and short enough to clear a house full of stalled
/// clients 100 times a second.
const STALL: Duration = Duration::from_millis(10);
