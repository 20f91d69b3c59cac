//! The breaker under every schedule of two or three threads.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test -p tta-breaker --test loom --release`.

#![cfg(loom)]

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use tta_breaker::{CircuitBreaker, CircuitBreakerConfig, CircuitState, Window};

const WAIT: Duration = Duration::from_secs(1);

/// A clock that stands still until a model moves it.
fn clock() -> Instant {
    static BEGINNING: OnceLock<Instant> = OnceLock::new();
    let beginning = *BEGINNING.get_or_init(Instant::now);
    beginning + Duration::from_millis(MILLIS.load(Ordering::Relaxed))
}

static MILLIS: AtomicU64 = AtomicU64::new(0);

fn config() -> CircuitBreakerConfig {
    CircuitBreakerConfig::new()
        .with_consecutive_failures(1)
        .with_wait(WAIT)
        .with_clock(clock)
}

fn breaker(config: CircuitBreakerConfig) -> CircuitBreaker {
    CircuitBreaker::new("modelled", config).unwrap()
}

/// A breaker that is open and whose wait is over.
fn ready_to_probe(config: CircuitBreakerConfig) -> CircuitBreaker {
    let breaker = breaker(config);
    breaker.acquire().unwrap().failure();
    assert_eq!(breaker.state(), CircuitState::Open);
    MILLIS.fetch_add(1_000, Ordering::Relaxed);
    breaker
}

/// Admits a call, and closes on its success.
fn recovers(breaker: &CircuitBreaker) {
    breaker.acquire().expect("it is not stuck").success();
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[test]
fn no_more_probes_than_allowed_are_under_way_at_once() {
    for (probes, threads, preemptions) in [(1, 2, None), (1, 3, Some(2)), (2, 3, Some(2))] {
        // Every schedule of two threads; of three, every one with so many preemptions.
        let mut model = loom::model::Builder::new();
        model.preemption_bound = preemptions;
        model.check(move || {
            let breaker = ready_to_probe(config().with_probes(probes).with_required_successes(9));
            let under_way = Arc::new(AtomicUsize::new(0));
            let probe = move |breaker: CircuitBreaker, under_way: Arc<AtomicUsize>| {
                let Ok(permit) = breaker.acquire() else {
                    return;
                };
                assert_eq!(permit.state(), CircuitState::HalfOpen);
                assert!(under_way.fetch_add(1, Ordering::SeqCst) < probes as usize);
                under_way.fetch_sub(1, Ordering::SeqCst);
                drop(permit);
            };
            let others: Vec<_> = (1..threads)
                .map(|_| {
                    let (breaker, under_way) = (breaker.clone(), under_way.clone());
                    thread::spawn(move || probe(breaker, under_way))
                })
                .collect();
            probe(breaker.clone(), under_way);
            for other in others {
                other.join().unwrap();
            }
            assert!(breaker.acquire().is_ok(), "all probes were given back");
        });
    }
}

#[test]
fn a_probe_that_is_given_up_leaves_its_place_to_another() {
    loom::model(|| {
        let breaker = ready_to_probe(config());
        let given_up = breaker.acquire_owned().unwrap();
        let other = breaker.clone();
        let giving_up = thread::spawn(move || drop(given_up));
        let second = other.acquire().map(|permit| permit.success()).is_ok();
        giving_up.join().unwrap();
        if second {
            assert_eq!(breaker.state(), CircuitState::Closed);
        } else {
            recovers(&breaker);
        }
    });
}

#[test]
fn of_probes_that_disagree_the_first_to_end_decides() {
    loom::model(|| {
        let breaker = ready_to_probe(config().with_probes(2));
        let (good, bad) = (
            breaker.acquire_owned().unwrap(),
            breaker.acquire_owned().unwrap(),
        );
        let failing = thread::spawn(move || bad.failure());
        good.success();
        failing.join().unwrap();
        match breaker.state() {
            CircuitState::Closed => recovers(&breaker),
            CircuitState::Open => {
                assert!(breaker.acquire().is_err(), "the wait begins anew");
                MILLIS.fetch_add(1_000, Ordering::Relaxed);
                recovers(&breaker);
            }
            state => panic!("nobody is left to decide: {state}"),
        }
    });
}

#[test]
fn a_late_failure_does_not_open_what_was_reset() {
    loom::model(|| {
        let breaker = ready_to_probe(config());
        let probe = breaker.acquire_owned().unwrap();
        let failing = thread::spawn(move || probe.failure());
        breaker.reset();
        failing.join().unwrap();
        // Whichever came first: a failure before the reset is forgotten, one after it is late.
        assert_eq!(breaker.state(), CircuitState::Closed);
        recovers(&breaker);
    });
}

#[test]
fn a_late_success_does_not_close_what_was_isolated() {
    loom::model(|| {
        let breaker = ready_to_probe(config());
        let probe = breaker.acquire_owned().unwrap();
        let succeeding = thread::spawn(move || probe.success());
        breaker.isolate();
        succeeding.join().unwrap();
        assert_eq!(breaker.state(), CircuitState::Isolated);
        assert!(breaker.acquire().is_err());
        breaker.reset();
        recovers(&breaker);
    });
}

#[test]
fn failures_at_once_are_all_counted() {
    loom::model(|| {
        let breaker = breaker(config().with_consecutive_failures(2));
        let (one, other) = (
            breaker.acquire_owned().unwrap(),
            breaker.acquire_owned().unwrap(),
        );
        let failing = thread::spawn(move || one.failure());
        other.failure();
        failing.join().unwrap();
        assert_eq!(breaker.state(), CircuitState::Open);
    });
}

#[test]
fn a_success_among_failures_is_seen_by_those_after_it() {
    loom::model(|| {
        let breaker = breaker(config().with_consecutive_failures(2));
        breaker.acquire().unwrap().failure();
        let other = breaker.clone();
        let permit = breaker.acquire_owned().unwrap();
        let succeeding = thread::spawn(move || {
            permit.success();
            // Comes after the success, so that it is the first in a row.
            other.acquire().unwrap().failure();
        });
        drop(breaker.acquire());
        succeeding.join().unwrap();
        assert_eq!(breaker.state(), CircuitState::Closed);
    });
}

#[test]
fn a_window_counts_what_ends_at_once() {
    loom::model(|| {
        let window = Window::Count(4);
        let config = CircuitBreakerConfig::new()
            .with_failure_rate(0.5, window)
            .with_minimum_throughput(2)
            .with_clock(clock);
        let breaker = breaker(config);
        let (good, bad) = (
            breaker.acquire_owned().unwrap(),
            breaker.acquire_owned().unwrap(),
        );
        let failing = thread::spawn(move || bad.failure());
        good.success();
        failing.join().unwrap();
        // One of two failed; if the failure came first there was only one call to look at.
        if breaker.state() == CircuitState::Closed {
            breaker.acquire().unwrap().failure();
        }
        assert_eq!(breaker.state(), CircuitState::Open);
    });
}
