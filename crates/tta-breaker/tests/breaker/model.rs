//! The breaker against a reference so naive that one can see it is right.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use tta_breaker::{CircuitBreaker, CircuitBreakerConfig, CircuitState, Permit, Window};
use tta_testkit::conformance::tokio_clock;

/// What can be done to a breaker.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Acquire,
    /// The permit at this place, of those that are out, succeeds, fails, or is dropped.
    Succeed(usize),
    Fail(usize),
    Drop(usize),
    Wait(u64),
    Isolate,
    Reset,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        8 => Just(Deed::Acquire),
        4 => (0..6_usize).prop_map(Deed::Succeed),
        6 => (0..6_usize).prop_map(Deed::Fail),
        2 => (0..6_usize).prop_map(Deed::Drop),
        4 => (1..40_u64).prop_map(|tenths| Deed::Wait(tenths * 100)),
        1 => Just(Deed::Isolate),
        1 => Just(Deed::Reset),
    ];
    prop::collection::vec(deed, 1..120)
}

/// The numbers that a breaker is made with.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    in_a_row: u32,
    rate: f64,
    /// A window of so many seconds, or of so many calls.
    window: Result<u64, u32>,
    minimum: u32,
    slow_seconds: u64,
    probes: u32,
    needed: u32,
}

fn numbers() -> impl Strategy<Value = Numbers> {
    let window = prop_oneof![(1..8_u64).prop_map(Ok), (4..9_u32).prop_map(Err)];
    (
        2..6_u32,
        1..=10_u32,
        window,
        1..5_u32,
        1..4_u64,
        1..4_u32,
        1..4_u32,
    )
        .prop_map(
            |(in_a_row, tenths, window, minimum, slow_seconds, probes, needed)| Numbers {
                in_a_row,
                rate: f64::from(tenths) / 10.0,
                window,
                minimum,
                slow_seconds,
                probes,
                needed,
            },
        )
}

impl Numbers {
    fn config(self) -> CircuitBreakerConfig {
        let window = match self.window {
            Ok(seconds) => Window::Time(Duration::from_secs(seconds)),
            Err(calls) => Window::Count(calls),
        };
        CircuitBreakerConfig::new()
            .with_consecutive_failures(self.in_a_row)
            .with_failure_rate(self.rate, window)
            .with_slow_calls(Duration::from_secs(self.slow_seconds), self.rate)
            .with_minimum_throughput(self.minimum)
            .with_wait(WAIT)
            .with_probes(self.probes)
            .with_required_successes(self.needed)
            .with_clock(tokio_clock)
    }
}

const WAIT: Duration = Duration::from_secs(2);

/// Keeps every call since the last change of state, and looks through all of them each time.
struct Reference {
    numbers: Numbers,
    state: CircuitState,
    /// Changes of state so far.
    turns: usize,
    since: Instant,
    /// When each call since then ended, whether it failed, whether it was slow.
    ended: Vec<(Instant, bool, bool)>,
    probes_out: u32,
}

/// A permit as the reference sees it.
struct Out {
    turns: usize,
    begun: Instant,
}

impl Reference {
    fn turn(&mut self, state: CircuitState, now: Instant) {
        self.state = state;
        self.turns += 1;
        self.since = now;
        self.ended.clear();
        self.probes_out = 0;
    }

    fn acquire(&mut self, now: Instant) -> Option<Out> {
        if self.state == CircuitState::Open && now - self.since >= WAIT {
            self.turn(CircuitState::HalfOpen, now);
        }
        let admitted = match self.state {
            CircuitState::Closed => true,
            CircuitState::HalfOpen => self.probes_out < self.numbers.probes,
            _ => false,
        };
        admitted.then(|| {
            self.probes_out += 1;
            Out {
                turns: self.turns,
                begun: now,
            }
        })
    }

    fn end(&mut self, out: &Out, failed: Option<bool>, now: Instant) {
        if out.turns != self.turns {
            return;
        }
        self.probes_out -= 1;
        let Some(failed) = failed else { return };
        let slow = now - out.begun >= Duration::from_secs(self.numbers.slow_seconds);
        self.ended.push((now, failed, slow));
        match self.state {
            CircuitState::HalfOpen if failed || slow => self.turn(CircuitState::Open, now),
            CircuitState::HalfOpen if self.ended.len() >= self.numbers.needed as usize => {
                self.turn(CircuitState::Closed, now);
            }
            CircuitState::Closed if self.opens(failed, slow, now) => {
                self.turn(CircuitState::Open, now);
            }
            _ => {}
        }
    }

    fn opens(&self, failed: bool, slow: bool, now: Instant) -> bool {
        let in_a_row = self.ended.iter().rev().take_while(|(_, failed, _)| *failed);
        if failed && in_a_row.count() >= self.numbers.in_a_row as usize {
            return true;
        }
        let window: Vec<_> = match self.numbers.window {
            Err(calls) => self.ended.iter().rev().take(calls as usize).collect(),
            Ok(seconds) => {
                // Slots of a tenth of the window, the first of which began with the state.
                let width = Duration::from_secs(seconds) / 10;
                let tenth = |at: Instant| (at - self.since).as_nanos() / width.as_nanos();
                let in_window = |at: Instant| tenth(at) + 10 > tenth(now);
                self.ended
                    .iter()
                    .filter(|(at, ..)| in_window(*at))
                    .collect()
            }
        };
        let calls = window.len() as f64;
        let failures = window.iter().filter(|(_, failed, _)| *failed).count() as f64;
        let slow_calls = window.iter().filter(|(_, _, slow)| *slow).count() as f64;
        let share = self.numbers.rate * calls;
        calls >= f64::from(self.numbers.minimum)
            && ((failed && failures >= share) || (slow && slow_calls >= share))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn it_does_what_the_reference_does(numbers in numbers(), deeds in deeds()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let breaker = CircuitBreaker::new("model", numbers.config()).unwrap();
            let mut reference = Reference {
                numbers,
                state: CircuitState::Closed,
                turns: 0,
                since: tokio_clock(),
                ended: Vec::new(),
                probes_out: 0,
            };
            let mut out: Vec<(Permit<'_>, Out)> = Vec::new();
            for (step, deed) in deeds.into_iter().enumerate() {
                let now = tokio_clock();
                match deed {
                    Deed::Acquire => match (breaker.acquire(), reference.acquire(now)) {
                        (Ok(permit), Some(expected)) => out.push((permit, expected)),
                        (Err(error), None) => {
                            let left = (reference.state == CircuitState::Open)
                                .then(|| WAIT.saturating_sub(now - reference.since));
                            assert_eq!(error.retry_after(), left, "step {step}");
                        }
                        (got, expected) => panic!(
                            "step {step}: admitted {}, expected {}", got.is_ok(), expected.is_some()
                        ),
                    },
                    Deed::Succeed(at) if at < out.len() => {
                        let (permit, expected) = out.remove(at);
                        permit.success();
                        reference.end(&expected, Some(false), now);
                    }
                    Deed::Fail(at) if at < out.len() => {
                        let (permit, expected) = out.remove(at);
                        permit.failure();
                        reference.end(&expected, Some(true), now);
                    }
                    Deed::Drop(at) if at < out.len() => {
                        let (permit, expected) = out.remove(at);
                        drop(permit);
                        reference.end(&expected, None, now);
                    }
                    Deed::Wait(millis) => {
                        tokio::time::advance(Duration::from_millis(millis)).await;
                    }
                    Deed::Isolate => {
                        breaker.isolate();
                        if reference.state != CircuitState::Isolated {
                            reference.turn(CircuitState::Isolated, now);
                        }
                    }
                    Deed::Reset => {
                        breaker.reset();
                        reference.turn(CircuitState::Closed, now);
                    }
                    _ => {}
                }
                assert_eq!(breaker.state(), reference.state, "after step {step}, {deed:?}");
            }
        });
    }
}
