use std::sync::Arc;

use tokio::time::{Instant, sleep};
use tta::prelude::*;
use tta::{Backoff, BoxFlow, HedgeConfig, RetryConfig, RoundRobin};
use tta::{BulkheadConfig, LimitExt, RateLimitConfig};
use tta::{CircuitBreakerConfig, CircuitBreakerExt};
use tta_testkit::conformance::tokio_clock;
use tta_testkit::mock::{Answer, MockPrimitive};

use super::{SECOND, by_question, call, canned, model, unavailable};

/// Two retries, ten seconds apart.
fn twice_more() -> RetryConfig {
    RetryConfig::new(2)
        .with_backoff(Backoff::constant(10 * SECOND))
        .without_budget()
}

/// Opens at the third failure in a row, for longer than a retry waits by default.
fn third_failure() -> CircuitBreakerConfig {
    CircuitBreakerConfig::new()
        .with_consecutive_failures(3)
        .with_wait(300 * SECOND)
}

fn down() -> MockPrimitive<u64, u64> {
    model().with_default(|_| unavailable())
}

async fn run(flow: &BoxFlow<u64, u64>, input: u64) -> Result<u64> {
    let ctx = WorkflowContext::builder().clock(tokio_clock).build();
    flow.execute(input, &ctx).await
}

#[tokio::test(start_paused = true)]
async fn a_breaker_inside_a_retry_counts_every_attempt() {
    let down = down();
    let flow = call(&down).circuit_breaker(third_failure()).unwrap();
    let flow = flow.retry(twice_more()).unwrap().boxed().unwrap();
    run(&flow, 1).await.unwrap_err();
    assert_eq!(down.calls(), 3);
    run(&flow, 1).await.unwrap_err();
    assert_eq!(down.calls(), 3, "open after one caller's three attempts");
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_tells_the_retry_around_it_when_to_come_back() {
    let model = model();
    (0..3).for_each(|_| model.push(unavailable()));
    model.push(Answer::value(7));
    let soon = third_failure().with_wait(30 * SECOND);
    let flow = call(&model).circuit_breaker(soon).unwrap();
    let flow = flow.retry(twice_more()).unwrap().boxed().unwrap();
    run(&flow, 1).await.unwrap_err();
    let begun = Instant::now();
    assert_eq!(run(&flow, 1).await.unwrap(), 7);
    assert_eq!(begun.elapsed(), 30 * SECOND, "and not after ten");
}

#[tokio::test(start_paused = true)]
async fn a_breaker_outside_a_retry_counts_callers_and_opens_late() {
    let down = down();
    let flow = call(&down).retry(twice_more()).unwrap();
    let flow = flow
        .circuit_breaker(third_failure())
        .unwrap()
        .boxed()
        .unwrap();
    for _ in 0..4 {
        run(&flow, 1).await.unwrap_err();
    }
    assert_eq!(
        down.calls(),
        9,
        "three callers with three attempts each, then none"
    );
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_inside_a_retry_gives_its_place_up_between_attempts() {
    let flaky = model()
        .with_answer(unavailable())
        .with_default(|n| Answer::value(*n));
    let flow = call(&flaky).limit(BulkheadConfig::new(1)).unwrap();
    let flow = flow.retry(twice_more()).unwrap().boxed().unwrap();
    let waiting = {
        let flow = flow.clone();
        tokio::spawn(async move { run(&flow, 1).await })
    };
    sleep(SECOND).await;
    assert_eq!(
        run(&flow, 2).await.unwrap(),
        2,
        "while the other waits to try again"
    );
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_outside_a_retry_keeps_its_place_while_it_waits() {
    let flaky = model()
        .with_answer(unavailable())
        .with_default(|n| Answer::value(*n));
    let flow = call(&flaky).retry(twice_more()).unwrap();
    let flow = flow.limit(BulkheadConfig::new(1)).unwrap().boxed().unwrap();
    let waiting = {
        let flow = flow.clone();
        tokio::spawn(async move { run(&flow, 1).await })
    };
    sleep(SECOND).await;
    let refused = run(&flow, 2).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Rejected);
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_inside_a_retry_bounds_attempts_and_one_outside_bounds_callers() {
    let three = || RateLimitConfig::per_minute(3).with_burst(3);
    let (counted, uncounted) = (down(), down());
    let inside = call(&counted).limit(three()).unwrap();
    let inside = inside.retry(twice_more()).unwrap().boxed().unwrap();
    let outside = call(&uncounted).retry(twice_more()).unwrap();
    let outside = outside.limit(three()).unwrap().boxed().unwrap();
    let mut callers = Vec::new();
    for flow in [inside, outside] {
        for n in 0..3 {
            let flow = flow.clone();
            callers.push(tokio::spawn(async move { run(&flow, n).await }));
        }
    }
    sleep(15 * SECOND).await;
    assert_eq!((counted.calls(), uncounted.calls()), (3, 6));
    for caller in callers {
        caller.abort();
    }
}

#[tokio::test]
async fn a_cache_outside_a_limit_answers_what_it_knows_without_a_token() {
    let model = model().with_default(|n| Answer::value(*n));
    let once = || RateLimitConfig::per_minute(1).with_burst(1);
    let outside = call(&model)
        .limit(once())
        .unwrap()
        .cached(by_question())
        .unwrap();
    let inside = call(&model)
        .cached(by_question())
        .unwrap()
        .limit(once())
        .unwrap();
    for _ in 0..3 {
        assert_eq!(outside.run(1).await.unwrap(), 1);
    }
    assert_eq!(inside.run(1).await.unwrap(), 1);
    let refused = inside.run(1).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Rejected, "although it is known");
}

#[tokio::test]
async fn a_cache_outside_a_breaker_answers_what_it_knows_while_it_is_open() {
    let model = model()
        .with_answer(Answer::value(7))
        .with_default(|_| unavailable());
    let flow = call(&model).circuit_breaker(third_failure()).unwrap();
    let flow = flow.cached(by_question()).unwrap();
    assert_eq!(flow.run(1).await.unwrap(), 7);
    for question in 2..6 {
        flow.run(question).await.unwrap_err();
    }
    assert_eq!(model.calls(), 4, "the breaker is open");
    assert_eq!(flow.run(1).await.unwrap(), 7);
}

#[tokio::test]
async fn a_breaker_inside_a_route_stops_that_route_and_one_around_the_router_stops_all() {
    let answering = || model().with_default(|n: &u64| Answer::value(*n));
    let router = |cheap: BoxFlow<u64, u64>| {
        RouterPrimitive::builder()
            .route("cheap", cheap, CostModel::unknown())
            .route("premium", answering(), CostModel::unknown())
            .strategy(RoundRobin::new())
            .build()
            .unwrap()
    };
    let once = || CircuitBreakerConfig::new().with_consecutive_failures(1);
    let inside = router(
        call(&down())
            .circuit_breaker(once())
            .unwrap()
            .boxed()
            .unwrap(),
    );
    let around = router(call(&down()).boxed().unwrap())
        .circuit_breaker(once())
        .unwrap();
    let mut answers = (Vec::new(), Vec::new());
    for n in 0..4 {
        answers.0.push(inside.run(n).await.is_ok());
        answers.1.push(around.run(n).await.is_ok());
    }
    assert_eq!(answers.0, [false, true, false, true]);
    assert_eq!(
        answers.1, [false; 4],
        "the premium route is no longer asked"
    );
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_inside_a_hedge_counts_both_attempts_and_one_outside_counts_one() {
    let slow = || model().with_default(|n| Answer::value(*n).after(10 * SECOND));
    let hedge = || HedgeConfig::fixed(SECOND);
    let (inner, outer) = (slow(), slow());
    let inside = call(&inner)
        .limit(BulkheadConfig::new(1))
        .unwrap()
        .hedged(hedge())
        .unwrap();
    let outside = call(&outer)
        .hedged(hedge())
        .unwrap()
        .limit(BulkheadConfig::new(1))
        .unwrap();
    let (a, b) = tokio::join!(inside.run(1), outside.run(1));
    assert_eq!((a.unwrap(), b.unwrap()), (1, 1));
    assert_eq!((inner.most_running(), outer.most_running()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn the_whole_of_them_ends_in_the_fallback_within_the_callers_limit() {
    let hangs = Arc::new(model().with_default(|_| Answer::hang()));
    let flow = call(&hangs).timeout(2 * SECOND).unwrap();
    let flow = flow.limit(BulkheadConfig::new(8)).unwrap();
    let flow = flow
        .circuit_breaker(third_failure())
        .unwrap()
        .boxed()
        .unwrap();
    let flow = flow
        .retry(twice_more())
        .unwrap()
        .cached(by_question())
        .unwrap();
    let flow = flow
        .boxed()
        .unwrap()
        .timeout(60 * SECOND)
        .unwrap()
        .with_fallback(canned());
    let flow = flow.boxed().unwrap();
    let begun = Instant::now();
    assert_eq!(run(&flow, 1).await.unwrap(), 0);
    assert_eq!((hangs.calls(), begun.elapsed()), (3, 26 * SECOND));
    assert_eq!(run(&flow, 2).await.unwrap(), 0);
    assert_eq!(hangs.calls(), 3, "and the breaker is open");
}
