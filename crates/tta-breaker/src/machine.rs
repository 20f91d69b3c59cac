//! The states of a breaker and the ways between them, without any thread or lock.

use std::time::{Duration, Instant};

use crate::config::Criteria;
use crate::failure::Verdict;
use crate::state::{Change, CircuitState, Opening, Reason, Refusal};
use crate::window::{Call, Record, Tally};

/// A breaker's state, and what it goes by.
///
/// Each change of state begins a new generation. A ticket carries the generation in which its call
/// was admitted, so that what a call of an older one answers is known to be late.
#[derive(Debug)]
pub(crate) struct Machine {
    criteria: Criteria,
    generation: u64,
    phase: Phase,
    /// What opened the breaker last.
    cause: Opening,
    /// Probes that failed one after the other since the breaker was closed.
    failed_probes: u32,
}

#[derive(Debug)]
enum Phase {
    Closed {
        in_a_row: u32,
        record: Option<Record>,
    },
    /// Until then; for ever where that lies beyond the end of time.
    Open(Option<Instant>),
    HalfOpen {
        under_way: u32,
        successes: u32,
    },
    Isolated,
}

/// The right to one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    pub(crate) generation: u64,
    pub(crate) state: CircuitState,
    /// When the call began, where how long it takes matters.
    pub(crate) begun: Option<Instant>,
}

impl Machine {
    pub(crate) fn new(criteria: Criteria, now: Instant) -> Self {
        Self {
            phase: closed(&criteria, now),
            criteria,
            generation: 0,
            cause: plain(Reason::Reset),
            failed_probes: 0,
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn state(&self) -> CircuitState {
        match self.phase {
            Phase::Closed { .. } => CircuitState::Closed,
            Phase::Open(_) => CircuitState::Open,
            Phase::HalfOpen { .. } => CircuitState::HalfOpen,
            Phase::Isolated => CircuitState::Isolated,
        }
    }

    /// Whether a success would change nothing at all.
    pub(crate) fn is_clean(&self) -> bool {
        matches!(
            self.phase,
            Phase::Closed {
                in_a_row: 0,
                record: None
            }
        )
    }

    /// Admits a call, or says why not; the first call after the wait makes an open breaker half
    /// open.
    pub(crate) fn admit(&mut self, now: Instant) -> (Result<Ticket, Refusal>, Option<Change>) {
        let mut change = None;
        if let Phase::Open(Some(until)) = self.phase
            && now >= until
        {
            let half_open = Phase::HalfOpen {
                under_way: 0,
                successes: 0,
            };
            change = Some(self.turn(half_open, plain(Reason::WaitOver), None));
        }
        let state = self.state();
        let refusal = |retry_after| Refusal {
            state,
            cause: self.cause,
            retry_after,
        };
        let admitted = match &mut self.phase {
            Phase::Closed { .. } => Ok(()),
            Phase::HalfOpen { under_way, .. } if *under_way < self.criteria.probes => {
                *under_way += 1;
                Ok(())
            }
            Phase::HalfOpen { .. } | Phase::Isolated | Phase::Open(None) => Err(refusal(None)),
            Phase::Open(Some(until)) => {
                let left = until.saturating_duration_since(now);
                Err(refusal(Some(left)))
            }
        };
        let ticket = admitted.map(|()| Ticket {
            generation: self.generation,
            state,
            begun: self.criteria.slow_from.map(|_| now),
        });
        (ticket, change)
    }

    /// Takes back a ticket with the verdict on its call.
    pub(crate) fn settle(
        &mut self,
        ticket: &Ticket,
        verdict: Verdict,
        now: Instant,
    ) -> Option<Change> {
        if ticket.generation != self.generation {
            return None;
        }
        let took = ticket
            .begun
            .map(|begun| now.saturating_duration_since(begun));
        let slow = took.zip(self.criteria.slow_from);
        let slow = slow.is_some_and(|(took, from)| took >= from);
        match &mut self.phase {
            Phase::Closed { in_a_row, record } => {
                let failed = match verdict {
                    Verdict::Nothing => return None,
                    Verdict::Success => false,
                    Verdict::Failure { .. } => true,
                };
                *in_a_row = if failed {
                    in_a_row.saturating_add(1)
                } else {
                    0
                };
                let in_a_row = *in_a_row;
                let call = Call { failed, slow };
                let tally = record.as_mut().map(|record| record.add(call, now));
                let cause = self.criteria.reason_to_open(call, in_a_row, tally)?;
                Some(self.open(cause, verdict, now))
            }
            Phase::HalfOpen {
                under_way,
                successes,
            } => {
                *under_way = under_way.saturating_sub(1);
                match verdict {
                    Verdict::Nothing => None,
                    Verdict::Success if !slow => {
                        *successes += 1;
                        if *successes < self.criteria.required_successes {
                            return None;
                        }
                        Some(self.close(Reason::ProbesSucceeded, now))
                    }
                    _ => {
                        self.failed_probes = self.failed_probes.saturating_add(1);
                        Some(self.open(plain(Reason::ProbeFailed), verdict, now))
                    }
                }
            }
            // Nothing is admitted in these, so that no ticket is of their generation.
            Phase::Open(_) | Phase::Isolated => None,
        }
    }

    /// Rejects everything until the breaker is reset.
    pub(crate) fn isolate(&mut self) -> Option<Change> {
        if matches!(self.phase, Phase::Isolated) {
            return None;
        }
        self.cause = plain(Reason::Isolated);
        Some(self.turn(Phase::Isolated, self.cause, None))
    }

    /// Closes the breaker and forgets what it has seen; also one that is closed.
    pub(crate) fn reset(&mut self, now: Instant) -> Change {
        self.close(Reason::Reset, now)
    }

    fn open(&mut self, cause: Opening, verdict: Verdict, now: Instant) -> Change {
        let grown = self.criteria.grown_wait(self.failed_probes);
        let wait = match verdict {
            Verdict::Failure {
                retry_after: Some(asked),
            } => grown.max(asked.min(self.criteria.longest_wait)),
            _ => grown,
        };
        self.cause = cause;
        self.turn(Phase::Open(now.checked_add(wait)), cause, Some(wait))
    }

    fn close(&mut self, reason: Reason, now: Instant) -> Change {
        self.failed_probes = 0;
        self.turn(closed(&self.criteria, now), plain(reason), None)
    }

    fn turn(&mut self, phase: Phase, cause: Opening, wait: Option<Duration>) -> Change {
        let from = self.state();
        self.phase = phase;
        self.generation += 1;
        Change {
            from,
            to: self.state(),
            cause,
            wait,
        }
    }
}

impl Criteria {
    /// Why a breaker opens on this call, if it does. Only what is bad opens a breaker: a success
    /// that completes the minimum throughput does not.
    fn reason_to_open(&self, call: Call, in_a_row: u32, tally: Option<Tally>) -> Option<Opening> {
        if call.failed
            && let Some(most) = self.consecutive_failures
            && in_a_row >= most
        {
            let in_a_row = u64::from(in_a_row);
            return Some(Opening {
                reason: Reason::ConsecutiveFailures,
                bad: in_a_row,
                calls: in_a_row,
            });
        }
        let tally = tally?;
        let calls = tally.calls;
        if calls < u64::from(self.minimum_throughput) {
            return None;
        }
        let reaches = |bad: u64, rate: Option<f64>| {
            rate.is_some_and(|rate| bad as f64 >= rate * calls as f64)
        };
        let (reason, bad) = if call.failed && reaches(tally.failures, self.failure_rate) {
            (Reason::FailureRate, tally.failures)
        } else if call.slow && reaches(tally.slow, self.slow_call_rate) {
            (Reason::SlowCallRate, tally.slow)
        } else {
            return None;
        };
        Some(Opening { reason, bad, calls })
    }

    fn grown_wait(&self, failed_probes: u32) -> Duration {
        let times = i32::try_from(failed_probes).unwrap_or(i32::MAX);
        let grown = self.wait.as_secs_f64() * self.growth.powi(times);
        let longest = self.longest_wait.max(self.wait);
        Duration::try_from_secs_f64(grown).map_or(longest, |grown| grown.min(longest))
    }
}

fn closed(criteria: &Criteria, now: Instant) -> Phase {
    Phase::Closed {
        in_a_row: 0,
        record: criteria.window.map(|window| Record::new(window, now)),
    }
}

/// A cause without figures.
fn plain(reason: Reason) -> Opening {
    Opening {
        reason,
        bad: 0,
        calls: 0,
    }
}
