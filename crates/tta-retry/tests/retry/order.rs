//! Right and wrong orders of composition, as the README states them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tta_cache::{CacheConfig, CacheExt, Scope};
use tta_core::{ErrorKind, Flow, WorkflowContext, fallback, step, step_with};
use tta_retry::{Backoff, HedgeConfig, RetryExt};
use tta_router::{CostModel, RouterPrimitive};
use tta_testkit::mock::{Answer, MockPrimitive};
use tta_timeout::TimeoutExt;

use crate::support::{MS, SECOND, broken, context, down, failing, quick, sleeper};

/// Hangs once, then answers.
fn hangs_once() -> MockPrimitive<u64, u64> {
    MockPrimitive::new("service")
        .with_answer(Answer::hang())
        .with_default(|n: &u64| Answer::value(*n))
}

fn by_input() -> CacheConfig<u64, u64> {
    CacheConfig::new(Scope::Global, |n: &u64, _: &WorkflowContext, key| {
        key.text(&n.to_string());
    })
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_bounds_each_attempt_so_that_a_hang_is_retried() {
    let service = hangs_once();
    let flow = Flow::new(service.clone())
        .timeout(SECOND)
        .unwrap()
        .retry(quick(2))
        .unwrap();
    let ctx = context();
    assert_eq!(flow.execute(1, &ctx).await.unwrap(), 1);
    assert_eq!(service.calls(), 2);
    assert_eq!(ctx.elapsed(), SECOND + MS);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_outside_bounds_all_attempts_together_so_that_a_hang_uses_it_up() {
    let service = hangs_once();
    let flow = Flow::new(service.clone())
        .retry(quick(2))
        .unwrap()
        .timeout(SECOND)
        .unwrap();
    let ctx = context();
    let error = flow.execute(1, &ctx).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!((service.calls(), ctx.elapsed()), (1, SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_retry_under_an_outer_timeout_does_not_wait_for_what_cannot_come_in_time() {
    let service = broken(down);
    let waits = quick(5).with_backoff(Backoff::constant(400 * MS));
    let flow = Flow::new(service.clone())
        .retry(waits)
        .unwrap()
        .timeout(SECOND)
        .unwrap();
    let ctx = context();
    let error = flow.execute(1, &ctx).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!((service.calls(), ctx.elapsed()), (3, 800 * MS));
}

#[tokio::test(start_paused = true)]
async fn a_cache_outside_the_retry_keeps_its_answer_and_asks_no_more() {
    let service = failing(1);
    let flow = Flow::new(service.clone())
        .retry(quick(2))
        .unwrap()
        .cached(by_input())
        .unwrap();
    for _ in 0..3 {
        assert_eq!(flow.execute(1, &context()).await.unwrap(), 1);
    }
    assert_eq!(service.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn callers_that_share_a_computation_share_its_retries_if_the_cache_is_outside() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let slow = || {
        step_with(
            "slow",
            Arc::clone(&attempts),
            async |attempts: &Arc<AtomicUsize>, _: u64| {
                tokio::time::sleep(10 * MS).await;
                match attempts.fetch_add(1, Ordering::Relaxed) {
                    0 => Err(down()),
                    n => Ok(n as u64),
                }
            },
        )
    };
    let outside = slow().retry(quick(1)).unwrap().cached(by_input()).unwrap();
    let (one, other) = (context(), context());
    let _ = tokio::join!(outside.execute(1, &one), outside.execute(1, &other));
    assert_eq!(attempts.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cache_inside_the_retry_is_asked_again_by_every_attempt() {
    let service = failing(1);
    let flow = Flow::new(service.clone())
        .cached(by_input())
        .unwrap()
        .with_name("inside");
    let flow = flow.retry(quick(2)).unwrap();
    flow.execute(1, &context()).await.unwrap();
    assert_eq!(service.calls(), 2);
    let asked = tta_core::registry().primitive_metrics("inside").unwrap();
    assert_eq!(asked.executions(), 2);
}

fn router(
    service: &MockPrimitive<u64, u64>,
    retries_inside: bool,
    decisions: &Arc<AtomicUsize>,
) -> Flow<tta_core::Observed<RouterPrimitive<u64, u64>>> {
    let route = Flow::new(service.clone());
    let route = if retries_inside {
        route.retry(quick(3)).unwrap().boxed().unwrap()
    } else {
        route.boxed().unwrap()
    };
    let decisions = Arc::clone(decisions);
    RouterPrimitive::builder()
        .route("only", route, CostModel::per_call(0.0))
        .strategy(move |_: &u64, _: &WorkflowContext| {
            decisions.fetch_add(1, Ordering::Relaxed);
            Ok("only")
        })
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_retry_inside_a_route_decides_once_and_one_around_the_router_at_every_attempt() {
    let decisions = Arc::new(AtomicUsize::new(0));
    let inside = router(&failing(2), true, &decisions);
    inside.execute(1, &context()).await.unwrap();
    assert_eq!(decisions.swap(0, Ordering::Relaxed), 1);

    let outside = router(&failing(2), false, &decisions)
        .retry(quick(3))
        .unwrap();
    outside.execute(1, &context()).await.unwrap();
    assert_eq!(decisions.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn a_fallback_outside_the_retry_answers_when_all_attempts_failed() {
    let (service, canned) = (broken(down), failing(0));
    let flow = fallback(
        Flow::new(service.clone()).retry(quick(2)).unwrap(),
        Flow::new(canned.clone()),
    );
    assert_eq!(flow.execute(1, &context()).await.unwrap(), 1);
    assert_eq!((service.calls(), canned.calls()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_fallback_inside_the_retry_answers_at_once_and_nothing_is_retried() {
    let (service, canned) = (broken(down), failing(0));
    let flow = fallback(Flow::new(service.clone()), Flow::new(canned.clone()));
    let flow = flow.retry(quick(2)).unwrap();
    assert_eq!(flow.execute(1, &context()).await.unwrap(), 1);
    assert_eq!((service.calls(), canned.calls()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn retries_inside_retries_multiply() {
    let service = broken(down);
    let flow = Flow::new(service.clone())
        .retry(quick(2))
        .unwrap()
        .retry(quick(2))
        .unwrap();
    flow.execute(1, &context()).await.unwrap_err();
    assert_eq!(service.calls(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_retry_around_a_whole_sequence_repeats_what_had_succeeded() {
    let first = failing(0);
    let around = || Flow::new(first.clone()) >> Flow::new(failing(1));
    around()
        .retry(quick(1))
        .unwrap()
        .execute(1, &context())
        .await
        .unwrap();
    assert_eq!(first.calls(), 2);

    let first = failing(0);
    let within = Flow::new(first.clone()) >> Flow::new(failing(1)).retry(quick(1)).unwrap();
    within.execute(1, &context()).await.unwrap();
    assert_eq!(first.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_retry_outside_a_hedge_repeats_the_pair_and_one_inside_makes_each_half_persistent() {
    let hedge = || HedgeConfig::fixed(10 * MS);
    let slow_failure = || {
        MockPrimitive::<u64, u64>::new("service")
            .with_default(|_: &u64| Answer::fail(down()).after(20 * MS))
    };
    let service = slow_failure();
    let outside = Flow::new(service.clone())
        .hedged(hedge())
        .unwrap()
        .retry(quick(1))
        .unwrap();
    outside.execute(1, &context()).await.unwrap_err();
    assert_eq!(service.calls(), 3); // the second pair finds the hedge's budget used up

    let service = slow_failure();
    let inside = Flow::new(service.clone())
        .retry(quick(1))
        .unwrap()
        .hedged(hedge())
        .unwrap();
    inside.execute(1, &context()).await.unwrap_err();
    assert_eq!(service.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_around_a_hedge_bounds_both_attempts_from_the_first_ones_begin() {
    let flow = sleeper()
        .hedged(HedgeConfig::fixed(10 * MS))
        .unwrap()
        .timeout(25 * MS)
        .unwrap();
    let ctx = context();
    let error = flow.execute(40, &ctx).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(ctx.elapsed(), 25 * MS);
    let ready = step("ready", async |n: u64| Ok(n));
    let flow = ready
        .hedged(HedgeConfig::fixed(10 * MS))
        .unwrap()
        .timeout(25 * MS)
        .unwrap();
    assert_eq!(flow.execute(4, &context()).await.unwrap(), 4);
}
