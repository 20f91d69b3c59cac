//! What a dependency that is down costs under retries, and what panics and cancellations leave.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tta_core::{Error, ErrorKind, Flow, Primitive, WorkflowContext, step, step_with};
use tta_retry::{FailedAttempt, HedgeConfig, RetryBudget, RetryConfig, RetryDecision, RetryExt};
use tta_testkit::conformance::{poll_then_drop, tokio_clock};
use tta_testkit::faults;

/// What is called: down until it is not, and how often it was called.
#[derive(Default)]
struct Dependency {
    is_up: std::sync::atomic::AtomicBool,
    calls: AtomicU64,
}

impl Dependency {
    async fn answer(self: &Arc<Self>, n: u64) -> tta_core::Result<u64> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(5)).await;
        if self.is_up.load(Ordering::Relaxed) {
            Ok(n)
        } else {
            Err(Error::new(ErrorKind::Unavailable, "it is down"))
        }
    }
}

fn calling(
    dependency: &Arc<Dependency>,
) -> Flow<impl Primitive<Input = u64, Output = u64> + use<> + 'static> {
    step_with("dependency", Arc::clone(dependency), Dependency::answer)
}

/// So many callers, each of which calls so often, with a second between; how many failed.
async fn load<P>(flow: &Arc<Flow<P>>, callers: u64, times: u32) -> u64
where
    P: Primitive<Input = u64, Output = u64> + 'static,
{
    let tasks: Vec<_> = (0..callers)
        .map(|n| {
            let flow = Arc::clone(flow);
            tokio::spawn(async move {
                let mut failed = 0;
                for _ in 0..times {
                    let ctx = WorkflowContext::builder().clock(tokio_clock).build();
                    failed += u64::from(flow.execute(n, &ctx).await.is_err());
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                failed
            })
        })
        .collect();
    let mut failed = 0;
    for task in tasks {
        failed += task.await.unwrap();
    }
    failed
}

#[tokio::test(start_paused = true)]
async fn fault_52_a_thousand_callers_of_what_is_down_make_a_tenth_more_load() {
    let dependency = Arc::new(Dependency::default());
    let flow = Arc::new(calling(&dependency).retry(RetryConfig::standard()).unwrap());
    let begun = tokio::time::Instant::now();
    let failed = load(&flow, 1_000, 10).await;
    let seconds = begun.elapsed().as_secs() + 1;
    assert_eq!(failed, 10_000);
    let extra = dependency.calls.load(Ordering::Relaxed) - 10_000;
    let floor = 10 * seconds;
    let share = extra.saturating_sub(floor) as f64 / 10_000.0;
    faults::report(
        52,
        "1,000 callers, 10 calls each, everything down: load beyond the calls and the floor of 10/s",
        "<= 10 %",
        format!(
            "{:.1} % ({extra} retries in {seconds} s, floor {floor})",
            share * 100.0
        ),
        share <= 0.1,
    );
}

#[tokio::test(start_paused = true)]
async fn fault_52_a_budget_without_a_floor_is_kept_exactly() {
    let dependency = Arc::new(Dependency::default());
    let budget = RetryBudget::new(0.1, 0).unwrap();
    let config = RetryConfig::standard().with_budget(&budget);
    let flow = Arc::new(calling(&dependency).retry(config).unwrap());
    load(&flow, 1_000, 1).await;
    let extra = dependency.calls.load(Ordering::Relaxed) - 1_000;
    faults::report(
        52,
        "1,000 callers at once, everything down, no floor: load beyond the calls",
        "<= 10 %",
        format!("{:.1} %", extra as f64 / 10.0),
        extra <= 100,
    );
}

#[tokio::test(start_paused = true)]
async fn fault_52_no_caller_makes_more_attempts_than_it_may() {
    let dependency = Arc::new(Dependency::default());
    let config = RetryConfig::standard().without_budget();
    let flow = Arc::new(
        calling(&dependency)
            .retry(config)
            .unwrap()
            .with_name("storm"),
    );
    load(&flow, 1_000, 1).await;
    let calls = dependency.calls.load(Ordering::Relaxed);
    faults::report(
        52,
        "attempts of each of 1,000 callers with 3 retries, no budget",
        "<= 1 + 3",
        format!("{:.1}", calls as f64 / 1_000.0),
        calls == 4_000,
    );
}

#[tokio::test(start_paused = true)]
async fn fault_52_callers_recover_as_soon_as_the_dependency_does() {
    let dependency = Arc::new(Dependency::default());
    let flow = Arc::new(calling(&dependency).retry(RetryConfig::standard()).unwrap());
    load(&flow, 1_000, 5).await;
    dependency.is_up.store(true, Ordering::Relaxed);
    let before = dependency.calls.load(Ordering::Relaxed);
    let failed = load(&flow, 1_000, 1).await;
    let calls = dependency.calls.load(Ordering::Relaxed) - before;
    faults::report(
        52,
        "1,000 calls after the dependency is back: failures, and calls made",
        "0, 1,000",
        format!("{failed}, {calls}"),
        failed == 0 && calls == 1_000,
    );
}

#[tokio::test(start_paused = true)]
async fn fault_52_hedges_of_what_has_become_slow_make_a_tenth_more_load() {
    let calls = Arc::new(AtomicU64::new(0));
    let slow = step_with(
        "slow",
        Arc::clone(&calls),
        async |calls: &Arc<AtomicU64>, n: u64| {
            calls.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(5)).await;
            Ok(n)
        },
    );
    let flow = Arc::new(slow.hedged(HedgeConfig::standard()).unwrap());
    let begun = tokio::time::Instant::now();
    load(&flow, 1_000, 3).await;
    let floor = begun.elapsed().as_secs() + 1;
    let extra = calls.load(Ordering::Relaxed) - 3_000;
    let share = extra.saturating_sub(floor) as f64 / 3_000.0;
    faults::report(
        52,
        "1,000 callers, 3 calls each, everything slow: second attempts beyond the floor of 1/s",
        "<= 10 %",
        format!("{:.1} % ({extra} second attempts)", share * 100.0),
        share <= 0.1 && extra > 100,
    );
}

#[tokio::test(start_paused = true)]
async fn fault_48_a_retry_and_a_hedge_dropped_at_every_await_point_leave_nothing() {
    let permits = Arc::new(Semaphore::new(1_000));
    let step = |name: &'static str| {
        step_with(
            name,
            Arc::clone(&permits),
            async |permits: &Arc<Semaphore>, n: u64| {
                let _permit = permits.acquire().await?;
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                Err::<u64, _>(Error::new(ErrorKind::Unavailable, n.to_string()))
            },
        )
    };
    let retried = step("dropped_in_retry")
        .retry(3)
        .unwrap()
        .with_name("retry_48");
    let hedge = HedgeConfig::fixed(Duration::from_millis(3));
    let hedged = step("dropped_in_hedge")
        .hedged(hedge)
        .unwrap()
        .with_name("hedge_48");
    let (mut points, mut left) = (0, 0);
    for is_hedge in [false, true] {
        for polls in 0..1_000 {
            let ctx = WorkflowContext::builder().clock(tokio_clock).build();
            let ended = if is_hedge {
                poll_then_drop(hedged.execute(1, &ctx), polls).await
            } else {
                poll_then_drop(retried.execute(1, &ctx), polls).await
            };
            points += 1;
            left += 1_000 - permits.available_permits();
            for name in ["dropped_in_retry", "dropped_in_hedge"] {
                let metrics = tta_core::registry().primitive_metrics(name);
                left += usize::try_from(metrics.map_or(0, |it| it.in_flight())).unwrap();
            }
            left += usize::try_from(retried.metrics().in_flight()).unwrap();
            left += usize::try_from(hedged.metrics().in_flight()).unwrap();
            if ended.is_some() {
                break;
            }
        }
    }
    faults::report(
        48,
        "retry and hedge dropped at every await point: permits and executions left",
        "0 left at each of more than 10 points",
        format!("{left} left at {points} points"),
        left == 0 && points > 10,
    );
}

/// An input that cannot be cloned once it is told so.
#[derive(Debug)]
struct Fragile(u64);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(self.0 != 13, "thirteen cannot be cloned");
        Self(self.0)
    }
}

#[derive(Debug)]
struct Unspeakable;

impl std::error::Error for Unspeakable {}

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("there are no words")
    }
}

#[tokio::test(start_paused = true)]
async fn fault_49_what_panics_under_a_retry_fails_that_workflow_only() {
    let work = || {
        step("works", async |input: Fragile| match input.0 {
            1 => panic!("the step panics"),
            2 => Err(Error::new(ErrorKind::Unavailable, "the policy will panic")),
            3 => Err(Error::from_boxed(Box::new(Unspeakable)).with_retryable(true)),
            n => Ok(n),
        })
    };
    let policy = |failed: &FailedAttempt<'_>, _: &WorkflowContext| {
        assert!(failed.error.kind() != ErrorKind::Unavailable, "no idea");
        RetryDecision::Retry
    };
    let retried = work()
        .retry(RetryConfig::new(2).with_policy(policy))
        .unwrap();
    let hedged = work().hedged(HedgeConfig::standard()).unwrap();
    let (mut wrong, mut cases) = (0, 0);
    for n in [1, 2, 3, 13] {
        let ctx = WorkflowContext::builder().clock(tokio_clock).build();
        let outcomes = [
            retried.execute(Fragile(n), &ctx).await.err(),
            hedged.execute(Fragile(n), &ctx).await.err(),
            // The next workflow finds nothing wedged.
            retried.execute(Fragile(7), &ctx).await.err(),
            hedged.execute(Fragile(7), &ctx).await.err(),
        ];
        let expected = match n {
            1 | 13 => ErrorKind::Panic,
            2 => ErrorKind::Unavailable,
            _ => ErrorKind::Other,
        };
        let kinds = outcomes.map(|error| error.map(|error| error.kind()));
        cases += 1;
        wrong += u32::from(kinds != [Some(expected), Some(expected), None, None]);
    }
    faults::report(
        49,
        "step, policy, Display and Clone panic under a retry and a hedge",
        "typed errors, 0 workflows wedged",
        format!("{wrong} wrong of {cases} cases"),
        wrong == 0,
    );
}
