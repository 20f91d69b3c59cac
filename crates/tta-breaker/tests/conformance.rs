//! The circuit breaker is a primitive like any other.

use tta_breaker::{CircuitBreakerConfig, CircuitBreakerPrimitive};
use tta_testkit::conformance::check_named_primitive;

#[test]
fn a_circuit_breaker_conforms() {
    check_named_primitive(|inner| {
        CircuitBreakerPrimitive::new(inner, CircuitBreakerConfig::standard()).unwrap()
    });
}

#[test]
fn a_circuit_breaker_that_watches_rates_conforms() {
    check_named_primitive(|inner| {
        CircuitBreakerPrimitive::new(inner, CircuitBreakerConfig::llm()).unwrap()
    });
}
