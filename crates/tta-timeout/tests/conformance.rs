//! The timeout is a primitive like any other.

use std::time::Duration;

use tta_testkit::conformance::check_primitive;
use tta_timeout::TimeoutPrimitive;

#[test]
fn a_timeout_conforms() {
    check_primitive(|inner| TimeoutPrimitive::new(inner, Duration::from_hours(24)).unwrap());
}
