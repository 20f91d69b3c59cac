//! A policy decides what the configuration cannot say.

use std::sync::{Arc, Mutex};

use tta_core::{Error, ErrorKind, WorkflowContext};
use tta_retry::{Backoff, FailedAttempt, RetryBudget, RetryDecision, RetryPolicy, RetryPrimitive};

use crate::support::{MS, SECOND, broken, context, down, ended, quick, related, waits};

#[tokio::test(start_paused = true)]
async fn a_policy_names_the_wait_or_stops() {
    let policy = |failed: &FailedAttempt<'_>, _: &WorkflowContext| match failed.number {
        1 => RetryDecision::RetryAfter(70 * MS),
        2 => RetryDecision::Retry,
        _ => RetryDecision::Stop,
    };
    let config = quick(9).with_backoff(Backoff::constant(3 * MS));
    assert_eq!(
        waits(config.with_policy(policy), down).await,
        [70 * MS, 3 * MS]
    );
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_stops_is_counted_as_an_error_that_is_not_retried() {
    let stop = |_: &FailedAttempt<'_>, _: &WorkflowContext| RetryDecision::Stop;
    let flow = RetryPrimitive::new(broken(down), quick(9).with_policy(stop)).unwrap();
    let flow = flow.with_name("policy_stops");
    let error = flow.execute(1, &context()).await.unwrap_err();
    assert!(related(&error).is_empty());
    assert_eq!(ended("policy_stops"), [0, 0, 0, 1, 0]);
}

/// Keeps what it is asked.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<(u32, String, u128, u128, Option<String>)>>>);

impl RetryPolicy for Asked {
    fn decide(&self, failed: &FailedAttempt<'_>, ctx: &WorkflowContext) -> RetryDecision {
        self.0.lock().unwrap().push((
            failed.number,
            failed.error.to_string(),
            failed.elapsed.as_millis(),
            failed.backoff.as_millis(),
            ctx.metadata("tenant"),
        ));
        RetryDecision::Retry
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_is_told_attempt_error_time_and_context() {
    let asked = Asked::default();
    let config = quick(2)
        .with_backoff(Backoff::exponential(10 * MS, SECOND))
        .with_policy(asked.clone());
    let flow = RetryPrimitive::new(broken(down), config).unwrap();
    let ctx = context();
    ctx.set_metadata("tenant", "acme");
    flow.execute(1, &ctx).await.unwrap_err();
    let tenant = || Some("acme".to_owned());
    let expected = [
        (1, "it is down".to_owned(), 0, 10, tenant()),
        (2, "it is down".to_owned(), 10, 20, tenant()),
    ];
    assert_eq!(*asked.0.lock().unwrap(), expected);
}

fn always(_: &FailedAttempt<'_>, _: &WorkflowContext) -> RetryDecision {
    RetryDecision::Retry
}

#[tokio::test(start_paused = true)]
async fn a_policy_may_retry_what_is_not_retryable_by_itself() {
    let odd = broken(|| Error::new(ErrorKind::NotFound, "not replicated yet"));
    let flow = RetryPrimitive::new(odd.clone(), quick(2).with_policy(always)).unwrap();
    flow.execute(1, &context()).await.unwrap_err();
    assert_eq!(odd.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_policy_retries_an_error_that_is_marked_as_final() {
    let marked = broken(|| down().with_retryable(false));
    let flow = RetryPrimitive::new(marked.clone(), quick(2).with_policy(always)).unwrap();
    let flow = flow.with_name("marked_final");
    flow.execute(1, &context()).await.unwrap_err();
    assert_eq!(marked.calls(), 1);
    assert_eq!(ended("marked_final"), [0, 0, 0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn the_other_sides_wait_is_honoured_unless_the_policy_names_one() {
    let asks = || down().with_retry_after(40 * MS);
    assert_eq!(
        waits(quick(2).with_policy(always), asks).await,
        [40 * MS; 2]
    );
    let own = |_: &FailedAttempt<'_>, _: &WorkflowContext| RetryDecision::RetryAfter(5 * MS);
    assert_eq!(waits(quick(2).with_policy(own), asks).await, [5 * MS; 2]);
}

#[tokio::test(start_paused = true)]
async fn number_budget_and_deadline_hold_whatever_the_policy_says() {
    let service = broken(down);
    let config = quick(50).with_policy(always);
    let budget = RetryBudget::new(0.0, 4).unwrap();
    let flow = RetryPrimitive::new(service.clone(), config.clone().with_budget(&budget)).unwrap();
    flow.execute(1, &context()).await.unwrap_err();
    assert_eq!(service.calls(), 5);

    let service = broken(down);
    let flow = RetryPrimitive::new(service.clone(), config).unwrap();
    let ctx = context();
    let hurried = ctx.with_deadline(ctx.now() + 3 * MS);
    flow.execute(1, &hurried).await.unwrap_err();
    assert_eq!(service.calls(), 3);
}
