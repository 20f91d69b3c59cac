//! The timeout is a primitive like any other.

use std::time::Duration;

use tta_core::step;
use tta_testkit::conformance::check_named_primitive;
use tta_timeout::{AdaptiveLimit, TimeoutConfig, TimeoutOrPrimitive, TimeoutPrimitive};

#[test]
fn a_timeout_conforms() {
    check_named_primitive(|inner| TimeoutPrimitive::new(inner, Duration::from_hours(24)).unwrap());
}

#[test]
fn a_timeout_with_grace_and_a_policy_conforms() {
    check_named_primitive(|inner| {
        let limit = AdaptiveLimit::between(Duration::from_secs(1), Duration::from_hours(24));
        let config = TimeoutConfig::from_policy(limit).with_grace(Duration::from_secs(1));
        TimeoutPrimitive::new(inner, config).unwrap()
    });
}

#[test]
fn a_timeout_with_a_fallback_conforms() {
    check_named_primitive(|inner| {
        let other = step("other", async |n: u64| Ok(n));
        TimeoutOrPrimitive::new(inner, Duration::from_hours(24), other).unwrap()
    });
}
