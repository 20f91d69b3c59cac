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

/// The second thread, which lives as long as its group is measured.
#[derive(Debug)]
pub(crate) struct Helper {
    work: Sender<(usize, u64)>,
    done: Receiver<Duration>,
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
                if answer.send(bencher.spent()).is_err() {
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

    pub(crate) fn spent(&self) -> Duration {
        self.done.recv().unwrap_or_default()
    }
}

const AWAKE: u32 = 10_000;
const PATIENCE: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

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
