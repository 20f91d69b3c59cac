//! A limit that would let nothing through is refused.

use std::time::Duration;

use tta_core::{ErrorKind, Primitive};
use tta_limit::{Bulkhead, BulkheadConfig, LimitExt, RateLimit, RateLimitConfig};

use crate::support::{SECOND, flow};

#[track_caller]
fn refused<T: std::fmt::Debug>(result: tta_core::Result<T>, because: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains(because), "{error}");
}

#[test]
fn a_bulkhead_that_admits_nobody_or_more_than_can_be_counted_is_refused() {
    refused(Bulkhead::new("b", BulkheadConfig::new(0)), "one execution");
    refused(
        Bulkhead::new("b", BulkheadConfig::new((1 << 29) + 1)),
        "2^29",
    );
    assert!(Bulkhead::new("b", BulkheadConfig::new(1 << 29)).is_ok());
    assert!(Bulkhead::new("b", BulkheadConfig::new(1)).is_ok());
}

#[test]
fn a_rate_of_nothing_is_refused() {
    let limit = |config| RateLimit::new("r", config);
    refused(limit(RateLimitConfig::per_second(0)), "above zero");
    refused(
        limit(RateLimitConfig::per_second(1).with_burst(0)),
        "above zero",
    );
    refused(limit(RateLimitConfig::new(1, Duration::ZERO)), "period");
    refused(limit(RateLimitConfig::new(1, Duration::MAX)), "period");
    assert!(
        limit(RateLimitConfig::new(
            u32::MAX,
            Duration::from_hours(366 * 24)
        ))
        .is_ok()
    );
    assert!(limit(RateLimitConfig::new(1, Duration::from_nanos(1))).is_ok());
}

#[test]
fn a_queue_in_which_nobody_can_wait_is_refused() {
    let bulkhead = |config| Bulkhead::new("b", config);
    refused(
        bulkhead(BulkheadConfig::new(1).with_queue_timeout(SECOND)),
        "without a queue",
    );
    let config = BulkheadConfig::new(1).with_queue(1);
    refused(
        bulkhead(config.with_queue_timeout(Duration::ZERO)),
        "timeout above zero",
    );
    refused(bulkhead(config.with_queue((1 << 29) + 1)), "2^29");
    assert!(bulkhead(config.with_queue(1 << 29)).is_ok());
    let rate = RateLimitConfig::per_second(1);
    refused(
        RateLimit::new("r", rate.with_queue_timeout(SECOND)),
        "without a queue",
    );
}

#[test]
fn the_presets_are_accepted_and_are_what_their_docs_say() {
    for config in [BulkheadConfig::standard(), BulkheadConfig::llm()] {
        assert!(Bulkhead::new("b", config).is_ok());
    }
    let standard = BulkheadConfig::new(32)
        .with_queue(32)
        .with_queue_timeout(SECOND);
    assert_eq!(BulkheadConfig::standard(), standard);
    let llm = BulkheadConfig::new(8)
        .with_queue(16)
        .with_queue_timeout(10 * SECOND);
    assert_eq!(BulkheadConfig::llm(), llm);
    for config in [RateLimitConfig::standard(), RateLimitConfig::llm()] {
        assert!(RateLimit::new("r", config).is_ok());
    }
}

#[test]
fn presets_of_rates_admit_their_bursts() {
    for (config, burst) in [
        (RateLimitConfig::standard(), 100),
        (RateLimitConfig::llm(), 10),
    ] {
        // A clock that stands still brings no tokens.
        let limit = RateLimit::new("preset", config.with_clock(beginning)).unwrap();
        let admitted = (0..1_000).filter(|_| limit.try_acquire().is_ok()).count();
        assert_eq!(admitted, burst);
    }
}

fn beginning() -> std::time::Instant {
    static BEGINNING: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    *BEGINNING.get_or_init(std::time::Instant::now)
}

#[test]
fn primitives_are_called_after_their_types_unless_they_are_named() {
    let bulkhead = flow().limit(BulkheadConfig::new(1)).unwrap();
    assert_eq!(bulkhead.depth(), 2);
    assert_eq!(bulkhead.into_primitive().name(), "BulkheadPrimitive");
    let rate = flow().limit(RateLimitConfig::per_second(1)).unwrap();
    assert_eq!(rate.depth(), 2);
    assert_eq!(rate.into_primitive().name(), "RateLimitPrimitive");
    let named = flow()
        .limit(BulkheadConfig::new(1))
        .unwrap()
        .with_name("mine");
    assert_eq!(named.name(), "mine");
    let named = flow()
        .limit(RateLimitConfig::per_second(1))
        .unwrap()
        .with_name("mine");
    assert_eq!(named.name(), "mine");
}

#[test]
fn debugging_shows_what_a_limit_is() {
    let bulkhead = Bulkhead::new("debugged", BulkheadConfig::new(3)).unwrap();
    let shown = format!("{bulkhead:?}");
    assert!(
        shown.contains("debugged") && shown.contains("capacity: 3"),
        "{shown}"
    );
    let limit = RateLimit::new("debugged", RateLimitConfig::per_second(3)).unwrap();
    let shown = format!("{limit:?}");
    assert!(
        shown.contains("debugged") && shown.contains("calls: 3"),
        "{shown}"
    );
}
