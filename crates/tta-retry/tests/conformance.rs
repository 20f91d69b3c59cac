//! The retry and the hedge are primitives like any other.

use std::time::Duration;

use tta_retry::{HedgeConfig, HedgePrimitive, RetryConfig, RetryPrimitive};
use tta_testkit::conformance::check_named_primitive;

#[test]
fn a_retry_conforms() {
    check_named_primitive(|inner| RetryPrimitive::new(inner, RetryConfig::standard()).unwrap());
}

#[test]
fn a_hedge_conforms() {
    check_named_primitive(|inner| {
        HedgePrimitive::new(inner, HedgeConfig::new(Duration::from_hours(24))).unwrap()
    });
}
