//! A second thread that does the same at the same time.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use crate::rounds::{Bencher, Shared};

/// Where two threads wait for each other, awake, so that neither begins alone.
#[derive(Debug, Default)]
pub(crate) struct Meeting {
    arrived: AtomicUsize,
}

impl Meeting {
    pub(crate) fn wait(&self) {
        let nth = self.arrived.fetch_add(1, Ordering::AcqRel);
        let both = (nth / 2 + 1) * 2;
        let begun = Instant::now();
        let mut turns = 0_u32;
        while self.arrived.load(Ordering::Acquire) < both {
            turns += 1;
            if turns.is_multiple_of(AWAKE) {
                // The other one has no processor yet, or has panicked.
                assert!(begun.elapsed() < PATIENCE, "the other thread does not come");
                thread::yield_now();
            }
            spin_loop();
        }
    }
}

/// One thread's part of a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    /// By the time of the thread.
    pub(crate) spent: Duration,
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
}

impl Slice {
    /// Whether both were under way during most of the longer one.
    ///
    /// On a machine that is busy, two threads take turns on one processor, and what they share costs
    /// nothing then.
    pub(crate) fn ran_beside(&self, other: &Self) -> bool {
        let both = self.ended.min(other.ended);
        let both = both.saturating_duration_since(self.begun.max(other.begun));
        let longer = (self.ended - self.begun).max(other.ended - other.begun);
        both.as_secs_f64() >= TOGETHER * longer.as_secs_f64()
    }
}

/// The second thread, which lives as long as its group is measured.
#[derive(Debug)]
pub(crate) struct Helper {
    work: Sender<(usize, u64)>,
    done: Receiver<Slice>,
}

impl Helper {
    pub(crate) fn spawn<'s>(
        scope: &'s Scope<'s, '_>,
        meeting: &'s Meeting,
        subjects: &'s [Shared<'_>],
    ) -> Self {
        let (work, orders) = channel();
        let (answer, done) = channel();
        scope.spawn(move || {
            for (position, iterations) in orders {
                let Some(routine): Option<&Shared<'_>> = subjects.get::<usize>(position) else {
                    return;
                };
                let mut bencher = Bencher::new(iterations, Some(meeting));
                routine(&mut bencher);
                if answer.send(bencher.slice()).is_err() {
                    return;
                }
            }
        });
        Self { work, done }
    }

    pub(crate) fn begin(&self, position: usize, iterations: u64) {
        // A helper that panicked is noticed where its answer is missing.
        let _ = self.work.send((position, iterations));
    }

    /// What it measured; nothing if it has panicked.
    pub(crate) fn slice(&self) -> Option<Slice> {
        self.done.recv().ok()
    }
}

const TOGETHER: f64 = 0.7;
const AWAKE: u32 = 10_000;
const PATIENCE: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(begun: Instant, from: u64, to: u64) -> Slice {
        Slice {
            spent: Duration::from_micros(to - from),
            begun: begun + Duration::from_micros(from),
            ended: begun + Duration::from_micros(to),
        }
    }

    #[test]
    fn two_that_took_turns_did_not_run_at_once() {
        let zero = Instant::now();
        let first = slice(zero, 0, 300);
        assert!(first.ran_beside(&slice(zero, 5, 310)));
        assert!(!first.ran_beside(&slice(zero, 290, 600)));
        assert!(!first.ran_beside(&slice(zero, 400, 700)));
        // The other one was kept off its processor in between.
        assert!(!first.ran_beside(&slice(zero, 0, 3_300)));
    }

    #[test]
    fn nobody_leaves_before_both_have_come() {
        let meeting = Meeting::default();
        let counted = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for round in 1..=100 {
                        counted.fetch_add(1, Ordering::SeqCst);
                        meeting.wait();
                        assert!(counted.load(Ordering::SeqCst) >= 2 * round);
                    }
                });
            }
        });
    }
}
