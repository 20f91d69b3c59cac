//! What a dependency that is down costs under retries.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tta_core::{Error, ErrorKind, Flow, Primitive, WorkflowContext, step_with};
use tta_retry::{HedgeConfig, RetryBudget, RetryConfig, RetryExt};
use tta_testkit::conformance::tokio_clock;
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
