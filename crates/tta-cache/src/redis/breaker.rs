//! When a server stops being asked, and when it is asked again.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Whether a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum RedisState {
    /// There is no connection yet, or a lost one is being replaced; callers wait for it within
    /// their budget.
    Connecting = 0,
    /// It is asked.
    Up = 1,
    /// It answers again and is asked; one failure and it is down again. It is up when it has done
    /// well for ten seconds.
    Recovering = 2,
    /// It is not asked; the background looks for it.
    Down = 3,
}

/// Decides from what operations report.
#[derive(Debug)]
pub(super) struct Breaker {
    state: AtomicU8,
    /// Failures in a row.
    failures: AtomicU32,
    enough: u32,
    patience: Duration,
    budget: Duration,
    waits: Mutex<Waits>,
}

impl Breaker {
    pub(super) fn new(enough: u32, patience: Duration, budget: Duration) -> Self {
        Self {
            state: AtomicU8::new(RedisState::Connecting as u8),
            failures: AtomicU32::new(0),
            enough,
            patience,
            budget,
            waits: Mutex::default(),
        }
    }

    pub(super) fn state(&self) -> RedisState {
        match self.state.load(Ordering::Acquire) {
            0 => RedisState::Connecting,
            1 => RedisState::Up,
            2 => RedisState::Recovering,
            _ => RedisState::Down,
        }
    }

    pub(super) fn enter(&self, state: RedisState) {
        self.failures.store(0, Ordering::Relaxed);
        self.state.store(state as u8, Ordering::Release);
    }

    /// An answer came.
    pub(super) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// No answer came; whether that is enough.
    pub(super) fn failed(&self) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        self.state() == RedisState::Recovering || failures >= self.enough || self.is_impatient()
    }

    /// A caller has waited in vain.
    pub(super) fn waited(&self, begun: Instant, ended: Instant) {
        self.waits().add(begun, ended);
    }

    /// Whether another wait in vain fits into the patience, counting what is lost between the end of
    /// a wait and its caller's next look at the clock.
    pub(super) fn has_patience(&self, now: Instant) -> bool {
        self.waits().within(now) + self.budget + self.budget / 5 <= self.patience
    }

    /// Callers that are answered in between keep the failures from standing in a row; what they
    /// wait is the same.
    fn is_impatient(&self) -> bool {
        self.waits().within(Instant::now()) + self.budget * 2 >= self.patience
    }

    fn waits(&self) -> std::sync::MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time that callers have waited in vain of late; what several waited at once counts once.
#[derive(Debug, Default)]
struct Waits {
    last_end: Option<Instant>,
    all: VecDeque<(Instant, Duration)>,
}

impl Waits {
    fn add(&mut self, begun: Instant, ended: Instant) {
        let begun = self.last_end.map_or(begun, |last| last.max(begun));
        let waited = ended.saturating_duration_since(begun);
        if !waited.is_zero() {
            self.last_end = Some(ended);
            self.all.push_back((ended, waited));
        }
    }

    fn within(&mut self, now: Instant) -> Duration {
        let old = |ended: &Instant| now.saturating_duration_since(*ended) > WINDOW;
        while self.all.front().is_some_and(|(ended, _)| old(ended)) {
            self.all.pop_front();
        }
        self.all.iter().map(|(_, waited)| *waited).sum()
    }
}

const WINDOW: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Duration = Duration::from_millis(50);

    fn breaker() -> Breaker {
        let breaker = Breaker::new(3, BUDGET * 5, BUDGET);
        breaker.enter(RedisState::Up);
        breaker
    }

    #[test]
    fn three_failures_in_a_row_are_enough_and_an_answer_begins_anew() {
        let breaker = breaker();
        assert!(!breaker.failed() && !breaker.failed());
        breaker.succeeded();
        assert!(!breaker.failed() && !breaker.failed());
        assert!(breaker.failed());
    }

    #[test]
    fn one_failure_is_enough_while_it_recovers() {
        let breaker = breaker();
        breaker.enter(RedisState::Recovering);
        assert!(breaker.failed());
    }

    #[test]
    fn waits_in_vain_are_enough_even_between_answers() {
        let breaker = breaker();
        let mut enough = false;
        let mut waits = 0;
        while !enough {
            let now = Instant::now();
            breaker.waited(now, now + BUDGET);
            std::thread::sleep(Duration::from_millis(1));
            breaker.waits().last_end = None;
            enough = breaker.failed();
            breaker.succeeded();
            waits += 1;
        }
        assert_eq!(waits, 3);
        assert!(breaker.has_patience(Instant::now()));
        let now = Instant::now();
        breaker.waited(now, now + BUDGET);
        assert!(!breaker.has_patience(now));
        assert!(breaker.has_patience(Instant::now() + WINDOW + BUDGET));
    }

    #[test]
    fn what_many_wait_at_once_counts_once() {
        let mut waits = Waits::default();
        let now = Instant::now();
        for late in 0..100 {
            let late = Duration::from_micros(late);
            waits.add(now + late, now + BUDGET + late);
        }
        assert_eq!(
            waits.within(now + BUDGET),
            BUDGET + Duration::from_micros(99)
        );
    }

    #[test]
    fn a_wait_counts_for_the_whole_window_and_no_longer() {
        let mut waits = Waits::default();
        let begun = Instant::now();
        let ended = begun + BUDGET;
        waits.add(begun, ended);
        assert_eq!(waits.within(ended + WINDOW), BUDGET);
        let later = ended + WINDOW + Duration::from_nanos(1);
        assert_eq!(waits.within(later), Duration::ZERO);
    }
}
