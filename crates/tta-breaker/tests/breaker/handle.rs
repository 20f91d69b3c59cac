//! A breaker is a handle: shared, steered by hand, and of use without a primitive.

use tta_breaker::{CircuitBreaker, CircuitBreakerConfig, CircuitBreakerExt, CircuitState};
use tta_core::{ErrorKind, Flow, Result};
use tta_testkit::conformance::tokio_clock;
use tta_testkit::measured::measured;

use crate::support::{Guarded, SECOND, context, down, is_rejected, service, wait};

fn config() -> CircuitBreakerConfig {
    CircuitBreakerConfig::new()
        .with_consecutive_failures(2)
        .with_wait(5 * SECOND)
        .with_clock(tokio_clock)
}

fn breaker(name: &str) -> CircuitBreaker {
    CircuitBreaker::new(name, config()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn primitives_that_share_a_breaker_open_together() -> Result<()> {
    let shared = breaker("shared");
    let one = Flow::new(service())
        .circuit_breaker(shared.clone())?
        .with_name("one");
    let other = Flow::new(service())
        .circuit_breaker(shared.clone())?
        .with_name("other");
    let _ = one.execute("fail", &context()).await;
    let _ = other.execute("fail", &context()).await;
    assert_eq!(shared.state(), CircuitState::Open);
    assert!(is_rejected(&one.execute("ok", &context()).await));
    assert!(is_rejected(&other.execute("ok", &context()).await));
    // Under the breaker's own name, whatever the primitives are called.
    assert!((measured("circuit_breaker_rejections_total", &["shared"]) - 2.0).abs() < 1e-9);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn permits_stand_in_for_a_primitive() -> Result<()> {
    let breaker = breaker("by_hand");
    breaker.acquire()?.failure();
    breaker.acquire()?.success();
    breaker.acquire()?.failure();
    assert_eq!(breaker.state(), CircuitState::Closed);
    breaker.acquire()?.failure();
    assert_eq!(breaker.state(), CircuitState::Open);
    assert_eq!(breaker.acquire().unwrap_err().kind(), ErrorKind::Rejected);
    wait(5 * SECOND).await;
    let probe = breaker.acquire()?;
    assert_eq!(probe.state(), CircuitState::HalfOpen);
    assert!(breaker.acquire().is_err());
    probe.success();
    assert_eq!(breaker.state(), CircuitState::Closed);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_permit_records_a_result_by_the_rules_of_the_configuration() -> Result<()> {
    let breaker = breaker("records");
    let failed: Result<()> = Err(down());
    breaker.acquire()?.record(&failed);
    breaker.acquire()?.record(&Ok(1));
    breaker.acquire()?.record(&failed);
    assert_eq!(breaker.state(), CircuitState::Closed);
    breaker.acquire()?.record(&failed);
    assert_eq!(breaker.state(), CircuitState::Open);
    let last = breaker.last_failure().unwrap();
    assert_eq!(last.to_string(), "the service is down");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_dropped_counts_for_nothing() -> Result<()> {
    let breaker = breaker("dropped");
    breaker.acquire()?.failure();
    drop(breaker.acquire()?);
    assert_eq!(breaker.state(), CircuitState::Closed);
    breaker.acquire()?.failure();
    assert_eq!(breaker.state(), CircuitState::Open);
    wait(5 * SECOND).await;
    drop(breaker.acquire()?);
    breaker.acquire()?.success();
    assert_eq!(breaker.state(), CircuitState::Closed);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_owned_permit_goes_to_another_task() -> Result<()> {
    let breaker = breaker("owned");
    for _ in 0..2 {
        let permit = breaker.acquire_owned()?;
        tokio::spawn(async move { permit.failure() }).await?;
    }
    assert_eq!(breaker.state(), CircuitState::Open);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_isolated_breaker_stays_open_until_it_is_reset() {
    let guarded = Guarded::named(config(), "isolated");
    guarded.breaker().isolate();
    wait(1_000 * SECOND).await;
    let error = guarded.call("ok").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.retry_after()),
        (ErrorKind::Rejected, None)
    );
    assert!(!error.is_retryable());
    assert!(error.to_string().contains("isolated by hand"), "{error}");
    assert_eq!(guarded.state(), CircuitState::Isolated);
    assert_eq!(guarded.service.calls(), 0);
    guarded.breaker().reset();
    assert_eq!(guarded.call("ok").await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn isolating_twice_is_isolating_once() {
    let guarded = Guarded::by(config());
    guarded.breaker().isolate();
    guarded.breaker().isolate();
    guarded.breaker().reset();
    assert_eq!(guarded.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_reset_closes_an_open_breaker_and_forgets_the_failures() {
    let guarded = Guarded::by(config());
    guarded.calls(&["fail", "fail"]).await;
    guarded.breaker().reset();
    assert_eq!(guarded.state(), CircuitState::Closed);
    assert_eq!(guarded.breaker().last_failure(), None);
    guarded.calls(&["fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Closed, "one in a row since");
}

#[tokio::test(start_paused = true)]
async fn a_reset_of_a_closed_breaker_forgets_the_failures_too() {
    let guarded = Guarded::by(config());
    guarded.calls(&["fail"]).await;
    guarded.breaker().reset();
    guarded.calls(&["fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn what_calls_under_way_answer_counts_no_more_after_a_reset_or_an_isolation() -> Result<()> {
    let breaker = breaker("steered");
    let late = [breaker.acquire()?, breaker.acquire()?, breaker.acquire()?];
    breaker.reset();
    for permit in late {
        permit.failure();
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
    let late = breaker.acquire()?;
    breaker.isolate();
    late.success();
    assert_eq!(breaker.state(), CircuitState::Isolated);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reset_starts_the_waits_anew() {
    let guarded = Guarded::by(config().with_wait_growth(2.0, 100 * SECOND));
    guarded.calls(&["fail", "fail"]).await;
    wait(5 * SECOND).await;
    guarded.calls(&["fail"]).await;
    guarded.breaker().reset();
    guarded.calls(&["fail", "fail"]).await;
    let error = guarded.call("ok").await.unwrap_err();
    assert_eq!(error.retry_after(), Some(5 * SECOND));
}

#[test]
fn states_have_names() {
    let all = [
        (CircuitState::Closed, "closed"),
        (CircuitState::Open, "open"),
        (CircuitState::HalfOpen, "half_open"),
        (CircuitState::Isolated, "isolated"),
    ];
    for (state, name) in all {
        assert_eq!((state.as_str(), state.to_string().as_str()), (name, name));
    }
}

#[test]
fn debugging_shows_the_name_and_the_state() {
    let breaker = breaker("debugged");
    let shown = format!("{breaker:?}");
    assert!(
        shown.contains("debugged") && shown.contains("Closed"),
        "{shown}"
    );
    let shown = format!("{:?}", config());
    assert!(shown.contains("consecutive_failures: Some(2)"), "{shown}");
}
