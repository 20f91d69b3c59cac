//! The limits are primitives like any other.

use std::time::Duration;

use tta_limit::{BulkheadConfig, BulkheadPrimitive, RateLimitConfig, RateLimitPrimitive};
use tta_testkit::conformance::check_named_primitive;

#[test]
fn a_bulkhead_conforms() {
    check_named_primitive(|inner| BulkheadPrimitive::new(inner, BulkheadConfig::new(4)).unwrap());
}

#[test]
fn a_rate_limit_conforms() {
    check_named_primitive(|inner| {
        RateLimitPrimitive::new(inner, RateLimitConfig::standard()).unwrap()
    });
}

#[test]
fn a_rate_limit_whose_callers_wait_conforms() {
    check_named_primitive(|inner| {
        let config = RateLimitConfig::new(1_000, Duration::from_secs(1))
            .with_burst(2)
            .with_queue(100);
        RateLimitPrimitive::new(inner, config).unwrap()
    });
}
