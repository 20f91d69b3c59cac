//! Right and wrong orders around a cache.

use std::sync::Arc;
use std::time::Duration;

use tta_cache::{CacheConfig, CacheExt, Scope};
use tta_core::{Error, ErrorKind, Flow, Primitive, Result, WorkflowContext, step, step_with};
use tta_retry::{RetryConfig, RetryExt};
use tta_router::{CostModel, RouterPrimitive};
use tta_testkit::measured::measured;
use tta_timeout::TimeoutExt;

use crate::support::{Calls, ask, by_text, counting};

const SECOND: Duration = Duration::from_secs(1);

/// Answers after three seconds, and counts how often it was begun.
fn slow(calls: &Calls) -> Flow<impl Primitive<Input = String, Output = usize> + 'static + use<>> {
    step_with("model", calls.clone(), async |calls: &Calls, _: String| {
        calls.add();
        tokio::time::sleep(SECOND * 3).await;
        Ok(calls.count())
    })
}

fn clocked() -> WorkflowContext {
    WorkflowContext::builder()
        .clock(|| tokio::time::Instant::now().into_std())
        .build()
}

/// Runs callers that come a second apart and tells how they fared.
async fn callers<P>(flow: Flow<P>, count: u32) -> Vec<Result<usize, ErrorKind>>
where
    P: Primitive<Input = String, Output = usize> + 'static,
{
    let flow = Arc::new(flow);
    let mut running = Vec::new();
    for _ in 0..count {
        let flow = Arc::clone(&flow);
        running.push(tokio::spawn(async move {
            flow.execute(ask("q"), &clocked()).await
        }));
        tokio::time::sleep(SECOND).await;
    }
    let mut ended = Vec::new();
    for caller in running {
        ended.push(caller.await.unwrap().map_err(|error| error.kind()));
    }
    ended
}

#[tokio::test(start_paused = true)]
async fn a_limit_outside_the_cache_alone_loses_what_its_leader_computed() -> Result<()> {
    let calls = Calls::default();
    let wrong = slow(&calls).cached(by_text())?.timeout(SECOND * 2)?;
    let ended = callers(wrong, 5).await;
    assert!(ended.iter().all(Result::is_err), "{ended:?}");
    assert!(calls.count() > 1, "begun again and again");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_limit_inside_is_for_the_computation_and_one_outside_for_the_caller() -> Result<()> {
    let calls = Calls::default();
    let right = slow(&calls)
        .timeout(SECOND * 4)?
        .cached(by_text())?
        .timeout(SECOND * 8)?;
    assert_eq!(callers(right, 5).await, [Ok(1); 5]);
    assert_eq!(calls.count(), 1);
    Ok(())
}

/// Fails twice at a price, and then answers at the same.
fn failing_twice(
    calls: &Calls,
) -> Flow<impl Primitive<Input = String, Output = usize> + 'static + use<>> {
    step_with(
        "model",
        calls.clone(),
        async |calls: &Calls, _: String, ctx: &WorkflowContext| {
            calls.add();
            ctx.report_cost(0.5);
            tokio::time::sleep(SECOND).await;
            match calls.count() {
                1 | 2 => Err(Error::new(ErrorKind::Unavailable, "down")),
                _ => Ok(7),
            }
        },
    )
}

/// What many callers at once are told, and what a hit saves afterwards.
async fn saved_after<P>(flow: Arc<Flow<P>>, saved: impl Fn(&Flow<P>) -> f64) -> f64
where
    P: Primitive<Input = String, Output = usize> + 'static,
{
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let flow = Arc::clone(&flow);
        running.spawn(async move { flow.run(ask("q")).await });
    }
    while let Some(answer) = running.join_next().await {
        assert_eq!(answer.unwrap().unwrap(), 7);
    }
    let before = saved(&flow);
    assert_eq!(flow.run(ask("q")).await.unwrap(), 7);
    saved(&flow) - before
}

#[tokio::test(start_paused = true)]
async fn a_cache_around_retries_lets_one_caller_retry_and_saves_what_all_attempts_cost()
-> Result<()> {
    let calls = Calls::default();
    let right = failing_twice(&calls)
        .retry(5)?
        .with_name("one_retries")
        .cached(by_text())?
        .with_name("around_retries");
    let saved = saved_after(Arc::new(right), |flow| flow.stats().saved_usd).await;
    assert!((saved - 1.5).abs() < 1e-9, "{saved}");
    assert_eq!(calls.count(), 3);
    let retried = measured("retry_executions_total", &["one_retries", "recovered"]);
    assert!((retried - 1.0).abs() < 1e-9);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_cache_inside_retries_lets_every_caller_retry_and_knows_the_last_attempt_alone()
-> Result<()> {
    let calls = Calls::default();
    let wrong = failing_twice(&calls)
        .cached(by_text())?
        .with_name("inside_retries")
        .retry(RetryConfig::new(5).without_budget())?
        .with_name("all_retry");
    let saved = || measured("cache_cost_savings_usd_total", &["inside_retries"]);
    let saved = saved_after(Arc::new(wrong), |_| saved()).await;
    assert!((saved - 0.5).abs() < 1e-9, "{saved}");
    let retried = measured("retry_executions_total", &["all_retry", "recovered"]);
    assert!(retried > 90.0, "{retried}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_cache_around_a_router_saves_the_decision_too() -> Result<()> {
    let calls = Calls::default();
    let decisions = Calls::default();
    let counted = decisions.clone();
    let router = RouterPrimitive::builder()
        .route("only", counting(&calls), CostModel::unknown())
        .strategy(move |_: &String, _: &WorkflowContext| {
            counted.add();
            Ok("only")
        })
        .build()?;
    let flow = router.cached(CacheConfig::of_input(Scope::Global))?;
    for _ in 0..3 {
        assert_eq!(flow.run(ask("q")).await?, 1);
    }
    assert_eq!(decisions.count(), 1);
    Ok(())
}

#[test]
fn a_cache_may_run_twice_what_its_step_may() -> Result<()> {
    let read = step("read", async |_: String| Ok(1));
    let charge = step("charge", async |_: String| Ok(1)).non_idempotent();
    assert!(read.cached(by_text())?.into_primitive().is_idempotent());
    assert!(!charge.cached(by_text())?.into_primitive().is_idempotent());
    Ok(())
}
