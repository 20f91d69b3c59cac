//! The state machine among threads.

use std::sync::PoisonError;
use std::time::Instant;

use crate::config::Criteria;
use crate::failure::Verdict;
use crate::machine::{Machine, Ticket};
use crate::state::{Change, CircuitState, Refusal};
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};

/// The state machine among threads: whatever changes it happens under a lock, and one word that is
/// read without it says where it stands.
///
/// The word holds the generation, the state, and whether a success would change nothing. While a
/// breaker is closed, admitting a call is a reading of the word, and so is a success after which no
/// failure has to be forgotten and no window kept. All else takes the lock for some nanoseconds, in
/// which no code of a user runs.
#[derive(Debug)]
pub(crate) struct Gate {
    word: AtomicU64,
    machine: Mutex<Machine>,
    times_calls: bool,
}

impl Gate {
    pub(crate) fn new(criteria: Criteria, now: Instant) -> Self {
        let machine = Machine::new(criteria, now);
        Self {
            word: AtomicU64::new(word_of(&machine)),
            machine: Mutex::new(machine),
            times_calls: criteria.slow_from.is_some(),
        }
    }

    #[inline]
    pub(crate) fn state(&self) -> CircuitState {
        state_in(self.word.load(Ordering::Acquire))
    }

    /// Whether the state in which the ticket was given out goes on.
    pub(crate) fn is_current(&self, ticket: &Ticket) -> bool {
        generation_in(self.word.load(Ordering::Acquire)) == ticket.generation
    }

    /// Admits a call, or says why not.
    #[inline]
    pub(crate) fn admit(
        &self,
        now: impl FnOnce() -> Instant,
    ) -> (Result<Ticket, Refusal>, Option<Change>) {
        let word = self.word.load(Ordering::Acquire);
        if state_in(word) == CircuitState::Closed {
            let ticket = Ticket {
                generation: generation_in(word),
                state: CircuitState::Closed,
                begun: self.times_calls.then(now),
            };
            return (Ok(ticket), None);
        }
        let now = now();
        self.change(|machine| machine.admit(now))
    }

    /// Takes back a ticket with the verdict on its call.
    #[inline]
    pub(crate) fn settle(
        &self,
        ticket: &Ticket,
        verdict: Verdict,
        now: impl FnOnce() -> Instant,
    ) -> Option<Change> {
        let word = self.word.load(Ordering::Acquire);
        if generation_in(word) != ticket.generation {
            return None;
        }
        match verdict {
            Verdict::Success if word & CLEAN != 0 => return None,
            Verdict::Nothing if state_in(word) == CircuitState::Closed => return None,
            _ => {}
        }
        let now = now();
        self.change(|machine| machine.settle(ticket, verdict, now))
    }

    pub(crate) fn isolate(&self) -> Option<Change> {
        self.change(Machine::isolate)
    }

    pub(crate) fn reset(&self, now: Instant) -> Change {
        self.change(|machine| machine.reset(now))
    }

    /// Out of line, so that the ways without the lock stay short.
    #[inline(never)]
    fn change<R>(&self, change: impl FnOnce(&mut Machine) -> R) -> R {
        let mut machine = self.lock();
        let result = change(&mut machine);
        self.word.store(word_of(&machine), Ordering::Release);
        result
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        // Only our own code runs under the lock, and it leaves nothing half done.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn word_of(machine: &Machine) -> u64 {
    let state = match machine.state() {
        CircuitState::Closed => 0,
        CircuitState::Open => 1,
        CircuitState::HalfOpen => 2,
        CircuitState::Isolated => 3,
    };
    let clean = if machine.is_clean() { CLEAN } else { 0 };
    machine.generation() << GENERATION_SHIFT | clean | state
}

#[inline]
fn state_in(word: u64) -> CircuitState {
    match word & STATE {
        0 => CircuitState::Closed,
        1 => CircuitState::Open,
        2 => CircuitState::HalfOpen,
        _ => CircuitState::Isolated,
    }
}

#[inline]
fn generation_in(word: u64) -> u64 {
    word >> GENERATION_SHIFT
}

const STATE: u64 = 0b011;
const CLEAN: u64 = 0b100;
const GENERATION_SHIFT: u32 = 3;
