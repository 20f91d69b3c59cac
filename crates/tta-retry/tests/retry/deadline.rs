//! No attempt and no wait goes past the deadline.

use std::time::Duration;

use tta_core::ErrorKind;
use tta_retry::{Backoff, RetryConfig, RetryPrimitive};

use crate::support::{MS, SECOND, broken, context, count, down, ended, failing, related};

fn config() -> RetryConfig {
    RetryConfig::new(9)
        .with_backoff(Backoff::constant(100 * MS))
        .without_budget()
}

/// How many attempts fit before a deadline, and when the error came.
async fn attempts(config: RetryConfig, deadline: Duration) -> (usize, Duration) {
    let service = broken(down);
    let flow = RetryPrimitive::new(service.clone(), config).unwrap();
    let ctx = context();
    let hurried = ctx.with_deadline(ctx.now() + deadline);
    flow.execute(1, &hurried).await.unwrap_err();
    (service.calls(), ctx.elapsed())
}

#[tokio::test(start_paused = true)]
async fn the_retries_stop_before_a_wait_that_would_pass_the_deadline() {
    assert_eq!(attempts(config(), 250 * MS).await, (3, 200 * MS));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_would_begin_at_the_deadline_is_not_begun() {
    assert_eq!(attempts(config(), 200 * MS).await, (2, 100 * MS));
    assert_eq!(attempts(config(), 201 * MS).await, (3, 200 * MS));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_cannot_end_in_time_is_not_begun() {
    let config = || config().with_attempt_time(30 * MS);
    assert_eq!(attempts(config(), 230 * MS).await, (3, 200 * MS));
    assert_eq!(attempts(config(), 229 * MS).await, (2, 100 * MS));
}

#[tokio::test(start_paused = true)]
async fn a_model_is_not_asked_again_with_less_than_a_second_left() {
    let config = || RetryConfig::llm().with_backoff(Backoff::constant(SECOND));
    assert_eq!(attempts(config(), 2 * SECOND).await, (2, SECOND));
    assert_eq!(attempts(config(), 1_999 * MS).await, (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_other_side_asks_for_and_that_does_not_fit_ends_the_retries() {
    let service = broken(|| down().with_retry_after(SECOND));
    let flow = RetryPrimitive::new(service.clone(), config()).unwrap();
    let ctx = context();
    let hurried = ctx.with_deadline(ctx.now() + SECOND);
    flow.execute(1, &hurried).await.unwrap_err();
    assert_eq!((service.calls(), ctx.elapsed()), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn the_error_says_that_the_deadline_ended_the_retries() {
    let flow = RetryPrimitive::new(broken(down), config()).unwrap();
    let flow = flow.with_name("stopped_by_deadline");
    let ctx = context();
    let hurried = ctx.with_deadline(ctx.now() + 150 * MS);
    let error = flow.execute(1, &hurried).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let said = related(&error);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[1].contains("attempt 3 was not begun"), "{said:?}");
    assert!(
        said[1].contains("100ms") && said[1].contains("in 50ms"),
        "{said:?}"
    );
    assert_eq!(error.related()[1].kind(), ErrorKind::Timeout);
    assert_eq!(ended("stopped_by_deadline"), [0, 0, 1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_begun_after_the_deadline() {
    let service = failing(0);
    let flow = RetryPrimitive::new(service.clone(), config()).unwrap();
    let flow = flow.with_name("too_late");
    let ctx = context();
    let late = ctx.with_deadline(ctx.now());
    let error = flow.execute(1, &late).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(
        error.to_string().contains("`service` was not started"),
        "{error}"
    );
    assert_eq!(service.calls(), 0);
    assert_eq!(ended("too_late"), [0, 0, 1, 0, 0]);
    assert_eq!(count("retry_attempts", &["too_late"]), 0);
}

/// The clock leaps while the retry waits.
#[tokio::test(start_paused = true)]
async fn a_timer_that_fires_past_the_deadline_is_followed_by_no_attempt() {
    let service = broken(down);
    let flow = RetryPrimitive::new(service.clone(), config()).unwrap();
    let flow = flow.with_name("late_timer");
    let ctx = context();
    let hurried = ctx.with_deadline(ctx.now() + SECOND);
    let waiting = tokio::spawn(async move { flow.execute(1, &hurried).await });
    tokio::task::yield_now().await;
    tokio::time::advance(2 * SECOND).await;
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(service.calls(), 1);
    assert!(
        related(&error)[0].contains("attempt 2 was not begun"),
        "{error:?}"
    );
    assert_eq!(ended("late_timer"), [0, 0, 1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_longer_than_allowed_is_told() {
    let service = broken(|| down().with_retry_after(90 * SECOND));
    let flow = RetryPrimitive::new(service, config()).unwrap();
    let flow = flow.with_name("asked_too_much");
    let error = flow.execute(1, &context()).await.unwrap_err();
    let said = related(&error);
    assert!(
        said[0].contains("wait for 90s") && said[0].contains("at most 60s"),
        "{said:?}"
    );
    assert_eq!(error.related()[0].kind(), ErrorKind::Rejected);
    assert_eq!(ended("asked_too_much"), [0, 0, 1, 0, 0]);
}
