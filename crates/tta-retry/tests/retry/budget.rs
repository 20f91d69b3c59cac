//! How much extra load retries may make.

use std::time::Duration;

use tokio::time::advance;
use tta_core::{ErrorKind, Flow, Observed};
use tta_retry::{RetryBudget, RetryConfig, RetryPrimitive};
use tta_testkit::mock::{Answer, MockPrimitive};

use crate::support::{SECOND, broken, context, down, ended, failing, quick, related};

type Retried = Flow<Observed<RetryPrimitive<Observed<MockPrimitive<u64, u64>>>>>;

/// Retries as often as the budget allows.
fn within(budget: &RetryBudget, service: &MockPrimitive<u64, u64>) -> Retried {
    RetryPrimitive::new(service.clone(), quick(100).with_budget(budget)).unwrap()
}

async fn run(flow: &Retried, times: usize) {
    for n in 0..times {
        let _ = flow.execute(n as u64, &context()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenth_of_the_calls_and_no_more_is_tried_again() {
    let budget = RetryBudget::new(0.1, 0).unwrap();
    let service = broken(down);
    run(&within(&budget, &service), 1_000).await;
    assert_eq!(service.calls(), 1_100);
}

#[tokio::test(start_paused = true)]
async fn a_budget_of_nothing_allows_no_retry_and_one_of_all_doubles_the_load() {
    for (share, calls) in [(0.0, 100), (0.5, 150), (1.0, 200)] {
        let service = broken(down);
        run(&within(&RetryBudget::new(share, 0).unwrap(), &service), 100).await;
        assert_eq!(service.calls(), calls, "{share}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_floor_allows_so_many_retries_in_each_second() {
    let budget = RetryBudget::new(0.0, 3).unwrap();
    let service = broken(down);
    let flow = within(&budget, &service);
    run(&flow, 10).await;
    assert_eq!(service.calls(), 13);
    advance(SECOND).await;
    run(&flow, 10).await;
    assert_eq!(service.calls(), 26);
    advance(3 * SECOND).await;
    run(&flow, 1).await;
    assert_eq!(service.calls(), 30);
    advance(86_400 * SECOND).await;
    run(&flow, 1).await;
    assert_eq!(service.calls(), 34, "a day later");
}

#[tokio::test(start_paused = true)]
async fn by_default_a_tenth_of_the_calls_and_ten_a_second_are_tried_again() {
    let budget = RetryBudget::default();
    assert!((budget.share() - 0.1).abs() < 1e-12);
    assert_eq!(budget.floor(), 10);
    let service = broken(down);
    run(&within(&budget, &service), 200).await;
    assert_eq!(service.calls(), 200 + 20 + 10);
}

#[tokio::test(start_paused = true)]
async fn a_primitive_has_a_budget_of_its_own_by_default() {
    let config = RetryConfig::new(100).with_backoff(tta_retry::Backoff::constant(Duration::ZERO));
    let service = broken(down);
    for _ in 0..2 {
        let flow = RetryPrimitive::new(service.clone(), config.clone()).unwrap();
        run(&flow, 1).await;
    }
    // Each has its ten a second.
    assert_eq!(service.calls(), 2 * 11);
}

#[tokio::test(start_paused = true)]
async fn those_who_share_a_budget_share_what_it_allows() {
    let budget = RetryBudget::new(0.1, 0).unwrap();
    let (healthy, sick) = (failing(0), broken(down));
    let busy = within(&budget, &healthy);
    let failing = within(&budget.clone(), &sick);
    run(&busy, 40).await;
    run(&failing, 10).await;
    assert_eq!((healthy.calls(), sick.calls()), (40, 15));
}

#[tokio::test(start_paused = true)]
async fn traffic_earns_retries_for_ten_seconds() {
    for (later, extra) in [(9 * SECOND, 10), (10 * SECOND, 0)] {
        let budget = RetryBudget::new(0.1, 0).unwrap();
        let (healthy, sick) = (failing(0), broken(down));
        run(&within(&budget, &healthy), 100).await;
        advance(later).await;
        run(&within(&budget, &sick), 1).await;
        assert_eq!(sick.calls(), 1 + extra, "after {later:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn traffic_of_ten_seconds_ago_earns_nothing_for_a_call_that_came_before_it_was_over() {
    let budget = RetryBudget::new(0.1, 0).unwrap();
    let healthy = failing(0);
    run(&within(&budget, &healthy), 100).await;
    advance(9 * SECOND).await;
    let late = MockPrimitive::new("late").with_default(|_| Answer::fail(down()).after(SECOND));
    run(&within(&budget, &late), 1).await;
    assert_eq!(late.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_retried_is_forgotten_with_the_traffic_that_earned_it() {
    let budget = RetryBudget::new(0.1, 0).unwrap();
    let (healthy, sick) = (failing(0), broken(down));
    let (busy, failing) = (within(&budget, &healthy), within(&budget, &sick));
    run(&busy, 100).await;
    run(&failing, 1).await;
    assert_eq!(sick.calls(), 11);
    advance(5 * SECOND).await;
    run(&busy, 99).await;
    run(&failing, 1).await;
    assert_eq!(sick.calls(), 22);
    advance(5 * SECOND).await;
    // The first hundred and their retries are past; the second hundred have had theirs.
    run(&failing, 1).await;
    assert_eq!(sick.calls(), 23);
}

#[tokio::test(start_paused = true)]
async fn a_refused_retry_spends_nothing() {
    let budget = RetryBudget::new(0.5, 0).unwrap();
    let service = broken(down);
    let flow = within(&budget, &service);
    run(&flow, 1).await;
    assert_eq!(service.calls(), 1);
    run(&flow, 1).await;
    assert_eq!(service.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_budget_says_that_it_ended_the_retries() {
    let budget = RetryBudget::new(0.0, 1).unwrap();
    let flow = within(&budget, &broken(down)).with_name("out_of_budget");
    let error = flow.execute(1, &context()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let said = related(&error);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[1].contains("attempt 3 was not begun"), "{said:?}");
    assert!(
        said[1].contains("budget of 0 of the traffic and 1 per second"),
        "{said:?}"
    );
    assert_eq!(error.related()[1].kind(), ErrorKind::Rejected);
    assert_eq!(ended("out_of_budget"), [0, 0, 0, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn without_a_budget_everything_is_tried_again() {
    let service = broken(down);
    let flow = RetryPrimitive::new(service.clone(), quick(2)).unwrap();
    run(&flow, 1_000).await;
    assert_eq!(service.calls(), 3_000);
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_cannot_be_made_spends_nothing_of_the_budget() {
    let budget = RetryBudget::new(0.0, 1).unwrap();
    let service = broken(|| down().with_retry_after(Duration::from_secs(5)));
    let flow = RetryPrimitive::new(service, quick(1).with_budget(&budget)).unwrap();
    let ctx = context();
    let hurried = ctx.with_deadline(ctx.now() + SECOND);
    flow.execute(1, &hurried).await.unwrap_err();
    let other = broken(down);
    run(&within(&budget, &other), 1).await;
    assert_eq!(other.calls(), 2);
}

#[test]
fn a_share_that_is_none_is_refused() {
    for share in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let error = RetryBudget::new(share, 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("between 0 and 1"), "{error}");
    }
    assert!((RetryBudget::new(0.25, 7).unwrap().share() - 0.25).abs() < 1e-12);
    assert_eq!(RetryBudget::new(0.25, 7).unwrap().floor(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_on_many_threads_never_retry_more_than_allowed() {
    let budget = RetryBudget::new(0.1, 0).unwrap();
    let service = broken(down);
    let config = RetryConfig::new(3)
        .with_backoff(tta_retry::Backoff::constant(Duration::ZERO))
        .with_budget(&budget);
    let flow = std::sync::Arc::new(RetryPrimitive::new(service.clone(), config).unwrap());
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let flow = std::sync::Arc::clone(&flow);
            tokio::spawn(async move {
                for n in 0..250 {
                    let _ = flow.run(n).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let extra = service.calls() - 2_000;
    assert!((100..=200).contains(&extra), "{extra}");
}
