//! A breaker that could not open, or not close again, is refused.

use std::time::Duration;

use tta_breaker::{CircuitBreaker, CircuitBreakerConfig, Window};
use tta_core::{ErrorKind, Primitive};

use crate::support::{Guarded, SECOND};

fn rated(share: f64, window: Window) -> CircuitBreakerConfig {
    CircuitBreakerConfig::new().with_failure_rate(share, window)
}

#[track_caller]
fn refused(config: CircuitBreakerConfig, because: &str) {
    let error = CircuitBreaker::new("wrong", config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains(because), "{error}");
}

#[track_caller]
fn accepted(config: CircuitBreakerConfig) {
    CircuitBreaker::new("right", config).unwrap();
}

#[test]
fn one_without_a_reason_to_open_is_refused() {
    refused(CircuitBreakerConfig::new(), "reason to open");
    refused(
        CircuitBreakerConfig::new().with_consecutive_failures(0),
        "above zero",
    );
    accepted(CircuitBreakerConfig::new().with_consecutive_failures(1));
}

#[test]
fn a_rate_that_is_no_share_is_refused() {
    let window = Window::Count(100);
    for share in [0.0, -0.5, 1.000_1, f64::NAN, f64::INFINITY] {
        refused(rated(share, window), "above 0 and up to 1");
        let slow = CircuitBreakerConfig::new()
            .with_window(window)
            .with_slow_calls(SECOND, share);
        refused(slow, "above 0 and up to 1");
    }
    accepted(rated(1.0, window));
    accepted(rated(0.001, window));
}

#[test]
fn a_rate_without_a_window_and_a_window_without_a_rate_are_refused() {
    refused(
        CircuitBreakerConfig::new().with_slow_calls(SECOND, 0.5),
        "window",
    );
    let window = CircuitBreakerConfig::new()
        .with_consecutive_failures(1)
        .with_window(Window::Count(100));
    refused(window, "without a rate");
}

#[test]
fn a_window_that_holds_nothing_or_too_much_is_refused() {
    refused(rated(0.5, Window::Time(Duration::ZERO)), "no time");
    refused(rated(0.5, Window::Time(Duration::from_nanos(9))), "no time");
    accepted(rated(0.5, Window::Time(Duration::from_nanos(10))));
    accepted(rated(0.5, Window::Time(Duration::MAX)));
    refused(rated(0.5, Window::Count(0)), "1 to 1,000,000");
    refused(rated(0.5, Window::Count(1_000_001)), "1 to 1,000,000");
    accepted(rated(0.5, Window::Count(1_000_000)));
}

#[test]
fn a_minimum_that_the_window_cannot_hold_or_of_nothing_is_refused() {
    let minimum = |calls| rated(0.5, Window::Count(10)).with_minimum_throughput(calls);
    refused(minimum(11), "minimum throughput");
    refused(minimum(0), "minimum throughput");
    accepted(minimum(10));
    accepted(rated(0.5, Window::Time(SECOND)).with_minimum_throughput(1_000));
    // Without a rate there is nothing that a minimum would be for.
    accepted(
        CircuitBreakerConfig::new()
            .with_consecutive_failures(1)
            .with_minimum_throughput(0),
    );
}

#[test]
fn every_call_being_slow_is_refused() {
    let slow = |from| {
        CircuitBreakerConfig::new()
            .with_window(Window::Count(100))
            .with_slow_calls(from, 0.5)
    };
    refused(slow(Duration::ZERO), "slow calls");
    accepted(slow(Duration::from_nanos(1)));
}

#[test]
fn one_that_could_not_recover_is_refused() {
    let config = || CircuitBreakerConfig::new().with_consecutive_failures(1);
    refused(config().with_wait(Duration::ZERO), "wait above zero");
    refused(config().with_probes(0), "one probe");
    refused(config().with_required_successes(0), "one success");
    for factor in [0.999, 0.0, -1.0, f64::NAN, f64::INFINITY] {
        refused(config().with_wait_growth(factor, SECOND), "1 or more");
    }
    accepted(config().with_wait_growth(1.0, SECOND));
}

#[test]
fn the_presets_are_accepted() {
    accepted(CircuitBreakerConfig::standard());
    accepted(CircuitBreakerConfig::llm());
    accepted(CircuitBreakerConfig::default());
}

#[test]
fn the_primitive_is_called_after_its_type_unless_it_is_named() {
    let guarded = Guarded::by(CircuitBreakerConfig::standard());
    let primitive = guarded.flow.into_primitive();
    assert_eq!(primitive.name(), "CircuitBreakerPrimitive");
    assert_eq!(primitive.primitive_type(), "CircuitBreakerPrimitive");
    let guarded = Guarded::named(CircuitBreakerConfig::standard(), "mine");
    let depth = guarded.flow.depth();
    assert_eq!(depth, 2, "the breaker around the service");
    assert_eq!(guarded.flow.into_primitive().name(), "mine");
}
