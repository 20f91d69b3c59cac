//! Right and wrong orders around a cache.

use std::sync::Arc;
use std::time::Duration;

use tta_cache::{CacheConfig, CacheExt, Scope};
use tta_core::{ErrorKind, Flow, Primitive, Result, WorkflowContext, step_with};
use tta_router::{CostModel, RouterPrimitive};
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
