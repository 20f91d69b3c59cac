//! Traces that are kept for how they ended, although nobody sampled them when they began.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tta_core::{Counter, TraceId, registry};

use super::judge::{Reason, Seen};
use super::spans::Spans;
use crate::catalog::TAIL_TRACES;
use crate::export::Waiting;
use crate::fork;
use crate::settings::TailKeep;

/// Holds the spans of traces that are not sampled until their root ends, and keeps those that had an
/// error or took long.
///
/// A trace that comes in one piece, as most do, is judged and never stored. One that comes in
/// several is held within bounds; the oldest go when there is no room.
pub(super) struct Tail {
    limits: TailKeep,
    state: Mutex<State>,
    /// How many traces the state knows of, so that most need not look.
    known: AtomicUsize,
    outcomes: Outcomes,
}

/// What is to be done with a piece and with what was held before it.
#[derive(Default)]
pub(super) struct Settled {
    /// To be exported, oldest first.
    pub(super) kept: Vec<Spans>,
    /// How many spans had to go undecided.
    pub(super) evicted: usize,
    /// Only to be dropped, where no lock is held.
    given_up: Vec<Spans>,
}

#[derive(Default)]
struct State {
    undecided: HashMap<TraceId, Undecided>,
    /// The undecided by the order in which they came.
    order: BTreeMap<u64, TraceId>,
    arrivals: u64,
    bytes: usize,
    verdicts: Verdicts,
}

struct Undecided {
    arrival: u64,
    pieces: Vec<Spans>,
    bytes: usize,
    /// By the monotonic clock: when the first piece came, less the time that it covers.
    began: Instant,
}

impl Tail {
    pub(super) fn new(limits: TailKeep) -> Self {
        Self {
            limits,
            state: Mutex::default(),
            known: AtomicUsize::new(0),
            outcomes: Outcomes::new(),
        }
    }

    /// Takes a piece of a trace that is not sampled.
    pub(super) fn take(&self, mut piece: Spans) -> Settled {
        let seen = Seen::in_piece(&mut piece);
        let mut settled = Settled::default();
        if seen.root_ended && seen.is_last && self.known.load(Ordering::Relaxed) == 0 {
            self.settle_whole(piece, &seen, &mut settled);
            return settled;
        }
        let Some(mut state) = fork::lock(&self.state) else {
            return settled;
        };
        self.settle_piece(&mut state, piece, &seen, &mut settled);
        self.known.store(state.known(), Ordering::Relaxed);
        drop(state);
        settled
    }

    /// Judges everything that is held as it stands; for the end.
    pub(super) fn take_rest(&self) -> Settled {
        let mut settled = Settled::default();
        let Some(mut state) = fork::lock(&self.state) else {
            return settled;
        };
        while let Some(trace) = state.take_oldest() {
            if trace.began.elapsed() >= self.limits.slow {
                self.outcomes.kept(Reason::Slow);
                settled.kept.extend(trace.pieces);
            } else {
                self.outcomes.not_kept.increment();
                settled.given_up.extend(trace.pieces);
            }
        }
        self.known.store(state.known(), Ordering::Relaxed);
        settled
    }

    /// How many traces are undecided, and how many bytes they take.
    pub(super) fn held(&self) -> (usize, usize) {
        fork::lock(&self.state).map_or((0, 0), |state| (state.undecided.len(), state.bytes))
    }

    fn settle_whole(&self, piece: Spans, seen: &Seen, settled: &mut Settled) {
        if let Some(reason) = seen.reason(self.limits.slow) {
            self.outcomes.kept(reason);
            settled.kept.push(piece.kept_for(reason));
        } else {
            self.outcomes.not_kept.increment();
            settled.given_up.push(piece);
        }
    }

    fn settle_piece(&self, state: &mut State, piece: Spans, seen: &Seen, settled: &mut Settled) {
        // A trace that has lasted long enough is slow whatever comes; it need not be held.
        let held = state.undecided.get(&seen.trace_id);
        let has_lasted = held.is_some_and(|held| held.began.elapsed() >= self.limits.slow);
        let reason = seen
            .reason(self.limits.slow)
            .or(has_lasted.then_some(Reason::Slow));
        let verdict = state.verdicts.of(seen.trace_id);
        match (reason, verdict) {
            (_, Some(true)) => settled.kept.push(piece),
            (Some(reason), _) => {
                self.outcomes.kept(reason);
                settled.kept.extend(state.take_held(seen.trace_id));
                settled.kept.push(piece.kept_for(reason));
            }
            (None, Some(false)) => settled.given_up.push(piece),
            (None, None) if seen.root_ended || seen.is_last => {
                self.outcomes.not_kept.increment();
                settled.given_up.extend(state.take_held(seen.trace_id));
                settled.given_up.push(piece);
            }
            (None, None) => {
                state.hold(piece, seen);
                self.make_room(state, settled);
                return;
            }
        }
        let is_kept = verdict == Some(true) || reason.is_some();
        state.verdicts.note(seen.trace_id, is_kept, seen.is_last);
    }

    fn make_room(&self, state: &mut State, settled: &mut Settled) {
        while state.undecided.len() > self.limits.traces || state.bytes > self.limits.bytes {
            let Some(oldest) = state.take_oldest() else {
                return;
            };
            self.outcomes.evicted.increment();
            settled.evicted += oldest.pieces.iter().map(Waiting::count).sum::<usize>();
            settled.given_up.extend(oldest.pieces);
        }
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail")
            .field("limits", &self.limits)
            .field("held", &self.held())
            .finish_non_exhaustive()
    }
}

impl State {
    fn known(&self) -> usize {
        self.undecided.len() + self.verdicts.order.len()
    }

    fn hold(&mut self, piece: Spans, seen: &Seen) {
        let bytes = piece.bytes();
        self.bytes += bytes;
        let (order, arrivals) = (&mut self.order, &mut self.arrivals);
        let trace = self.undecided.entry(seen.trace_id).or_insert_with(|| {
            *arrivals += 1;
            order.insert(*arrivals, seen.trace_id);
            Undecided {
                arrival: *arrivals,
                pieces: Vec::new(),
                bytes: 0,
                began: before(seen.covers),
            }
        });
        trace.bytes += bytes;
        trace.pieces.push(piece);
    }

    fn take_held(&mut self, trace_id: TraceId) -> Vec<Spans> {
        let Some(trace) = self.undecided.remove(&trace_id) else {
            return Vec::new();
        };
        self.order.remove(&trace.arrival);
        self.bytes -= trace.bytes;
        trace.pieces
    }

    fn take_oldest(&mut self) -> Option<Undecided> {
        let (_, trace_id) = self.order.pop_first()?;
        let trace = self.undecided.remove(&trace_id)?;
        self.bytes -= trace.bytes;
        Some(trace)
    }
}

/// What was decided of traces of which more may come, for as long as there is room.
#[derive(Default)]
struct Verdicts {
    kept: HashMap<TraceId, bool>,
    order: VecDeque<TraceId>,
}

impl Verdicts {
    fn of(&self, trace_id: TraceId) -> Option<bool> {
        self.kept.get(&trace_id).copied()
    }

    fn note(&mut self, trace_id: TraceId, is_kept: bool, is_last: bool) {
        if is_last {
            self.kept.remove(&trace_id);
        } else if self.kept.insert(trace_id, is_kept).is_none() {
            self.order.push_back(trace_id);
        }
        while self.order.len() > MOST_VERDICTS {
            if let Some(oldest) = self.order.pop_front() {
                self.kept.remove(&oldest);
            }
        }
        if self.kept.is_empty() {
            self.order.clear();
        }
    }
}

/// What became of traces, counted.
struct Outcomes {
    error: Counter,
    slow: Counter,
    not_kept: Counter,
    evicted: Counter,
}

impl Outcomes {
    fn new() -> Self {
        let counter = |outcome: &str| {
            registry()
                .counter(&TAIL_TRACES, &[outcome])
                .unwrap_or_else(|_| Counter::detached(TAIL_TRACES.unit))
        };
        Self {
            error: counter(Reason::Error.as_str()),
            slow: counter(Reason::Slow.as_str()),
            not_kept: counter("not_kept"),
            evicted: counter("evicted"),
        }
    }

    fn kept(&self, reason: Reason) {
        match reason {
            Reason::Error => self.error.increment(),
            Reason::Slow => self.slow.increment(),
        }
    }
}

/// So long ago, as far as the clock goes back.
fn before(ago: Duration) -> Instant {
    let now = Instant::now();
    now.checked_sub(ago).unwrap_or(now)
}

/// Each takes some thirty bytes.
const MOST_VERDICTS: usize = 4_096;
