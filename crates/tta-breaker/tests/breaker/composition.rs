//! Right and wrong orders of composition, each seen.

use tta_breaker::{CircuitBreakerConfig, CircuitBreakerExt, CircuitState};
use tta_core::{Flow, Result, step};
use tta_testkit::conformance::tokio_clock;
use tta_timeout::TimeoutExt;

use crate::support::{SECOND, context, service};

fn config() -> CircuitBreakerConfig {
    CircuitBreakerConfig::new()
        .with_consecutive_failures(2)
        .with_clock(tokio_clock)
}

#[tokio::test(start_paused = true)]
async fn a_breaker_outside_a_timeout_sees_calls_that_hang() -> Result<()> {
    let flow = Flow::new(service())
        .timeout(SECOND)?
        .circuit_breaker(config())?;
    for _ in 0..2 {
        let _ = flow.execute("hang", &context()).await;
    }
    assert_eq!(flow.breaker().state(), CircuitState::Open);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_breaker_inside_a_timeout_never_hears_of_calls_that_hang() -> Result<()> {
    let provider = tta_breaker::CircuitBreaker::new("provider", config())?;
    let flow = Flow::new(service())
        .circuit_breaker(provider.clone())?
        .timeout(SECOND)?;
    for _ in 0..10 {
        let _ = flow.execute("hang", &context()).await;
    }
    assert_eq!(provider.state(), CircuitState::Closed);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_fallback_outside_a_breaker_answers_at_once_when_it_is_open() -> Result<()> {
    let service = service();
    let flow = Flow::new(service.clone())
        .circuit_breaker(config())?
        .with_fallback(step("canned", async |_: &'static str| Ok(0)));
    for _ in 0..5 {
        assert_eq!(flow.execute("fail", &context()).await?, 0);
    }
    assert_eq!(service.calls(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_fallback_inside_a_breaker_hides_the_failures_from_it() -> Result<()> {
    let service = service();
    let flow = Flow::new(service.clone())
        .with_fallback(step("canned", async |_: &'static str| Ok(0)))
        .circuit_breaker(config())?;
    for _ in 0..5 {
        assert_eq!(flow.execute("fail", &context()).await?, 0);
    }
    assert_eq!(
        service.calls(),
        5,
        "the service is called for nothing each time"
    );
    assert_eq!(flow.breaker().state(), CircuitState::Closed);
    Ok(())
}

#[test]
fn a_breaker_around_a_step_that_must_not_be_repeated_says_so() -> Result<()> {
    use tta_core::Primitive;
    let repeatable = Flow::new(service()).circuit_breaker(config())?;
    assert!(repeatable.into_primitive().is_idempotent());
    let once = Flow::new(service())
        .non_idempotent()
        .circuit_breaker(config())?;
    assert!(!once.into_primitive().is_idempotent());
    Ok(())
}
