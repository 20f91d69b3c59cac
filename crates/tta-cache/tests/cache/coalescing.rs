//! Many callers of one key.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tta_cache::{CacheConfig, CacheExt, Scope};
use tta_core::{Error, ErrorKind, Flow, Primitive, Result, WorkflowContext, step_with};

use crate::support::{Calls, ask, by_text};

/// A model that waits for leave to answer, and fails or panics on its first call if told to.
struct Gated {
    calls: Calls,
    gate: Arc<Semaphore>,
    first: First,
}

#[derive(Clone, Copy, PartialEq)]
enum First {
    Answers,
    Fails,
    Panics,
}

fn gated(
    calls: &Calls,
    gate: &Arc<Semaphore>,
    first: First,
) -> Flow<impl Primitive<Input = String, Output = usize> + 'static + use<>> {
    let state = Gated {
        calls: calls.clone(),
        gate: Arc::clone(gate),
        first,
    };
    step_with("model", state, async |model: &Gated, _: String| {
        model.calls.add();
        let call = model.calls.count();
        model.gate.acquire().await?.forget();
        match model.first {
            First::Fails if call == 1 => Err(Error::new(ErrorKind::Unavailable, "down")),
            First::Panics if call == 1 => panic!("the first call panics"),
            _ => Ok(call),
        }
    })
}

/// Lets every task that can run do so.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn ten_thousand_callers_of_one_key_compute_once() -> Result<()> {
    let (calls, gate) = (Calls::default(), Arc::new(Semaphore::new(0)));
    let flow = gated(&calls, &gate, First::Answers)
        .cached(by_text())?
        .with_name("stampede");
    let flow = Arc::new(flow);
    let callers: Vec<_> = (0..10_000)
        .map(|_| {
            let flow = Arc::clone(&flow);
            tokio::spawn(async move { flow.run(ask("q")).await })
        })
        .collect();
    settle().await;
    gate.add_permits(1);
    for caller in callers {
        assert_eq!(caller.await??, 1);
    }
    assert_eq!(calls.count(), 1);
    let stats = flow.stats();
    assert_eq!(
        (stats.misses, stats.hits, stats.coalesced),
        (1, 9_999, 9_999)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_on_many_threads_compute_once_for_each_key() -> Result<()> {
    let calls = Calls::default();
    let flow = step_with("model", calls.clone(), async |calls: &Calls, _: String| {
        calls.add();
        tokio::task::yield_now().await;
        Ok(())
    })
    .cached(by_text())?;
    let flow = Arc::new(flow);
    let callers: Vec<_> = (0..2_000)
        .map(|i| {
            let flow = Arc::clone(&flow);
            tokio::spawn(async move { flow.run(format!("question {}", i % 20)).await })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    assert_eq!(calls.count(), 20);
    Ok(())
}

#[tokio::test]
async fn a_leader_that_fails_or_panics_is_replaced_and_its_error_is_its_own() -> Result<()> {
    for (first, kind) in [
        (First::Fails, ErrorKind::Unavailable),
        (First::Panics, ErrorKind::Panic),
    ] {
        let (calls, gate) = (Calls::default(), Arc::new(Semaphore::new(0)));
        let flow = Arc::new(gated(&calls, &gate, first).cached(by_text())?);
        let callers: Vec<_> = (0..100)
            .map(|_| {
                let flow = Arc::clone(&flow);
                tokio::spawn(async move { flow.run(ask("q")).await })
            })
            .collect();
        settle().await;
        gate.add_permits(2);
        let mut failed = Vec::new();
        for caller in callers {
            match caller.await? {
                Ok(answer) => assert_eq!(answer, 2),
                Err(error) => failed.push(error.kind()),
            }
        }
        assert_eq!(failed, [kind]);
        assert_eq!(calls.count(), 2);
    }
    Ok(())
}

#[tokio::test]
async fn a_leader_that_is_dropped_is_replaced() -> Result<()> {
    let (calls, gate) = (Calls::default(), Arc::new(Semaphore::new(0)));
    let flow = Arc::new(gated(&calls, &gate, First::Answers).cached(by_text())?);
    let spawn = || {
        let flow = Arc::clone(&flow);
        tokio::spawn(async move { flow.run(ask("q")).await })
    };
    let leader = spawn();
    settle().await;
    let follower = spawn();
    settle().await;
    assert_eq!(calls.count(), 1);
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    assert_eq!(follower.await??, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_gives_up_concerns_nobody_else() -> Result<()> {
    let (calls, gate) = (Calls::default(), Arc::new(Semaphore::new(0)));
    let flow = gated(&calls, &gate, First::Answers).cached(by_text())?;
    let flow = Arc::new(flow.with_name("gives_up"));
    let leader = {
        let flow = Arc::clone(&flow);
        tokio::spawn(async move { flow.run(ask("q")).await })
    };
    settle().await;
    let follower = tokio::time::timeout(Duration::from_millis(10), flow.run(ask("q"))).await;
    assert!(follower.is_err());
    gate.add_permits(1);
    assert_eq!(leader.await??, 1);
    assert_eq!(flow.run(ask("q")).await?, 1);
    assert_eq!(calls.count(), 1);
    assert_eq!(flow.metrics().in_flight(), 0);
    Ok(())
}

#[tokio::test]
async fn what_is_computed_while_its_key_is_invalidated_or_all_is_cleared_is_not_stored()
-> Result<()> {
    for clears in [false, true] {
        let (calls, gate) = (Calls::default(), Arc::new(Semaphore::new(0)));
        let flow = Arc::new(gated(&calls, &gate, First::Answers).cached(by_text())?);
        let leader = {
            let flow = Arc::clone(&flow);
            tokio::spawn(async move { flow.run(ask("q")).await })
        };
        settle().await;
        if clears {
            assert_eq!(flow.clear().await?, 0);
        } else {
            assert!(!flow.invalidate(&ask("q"), &WorkflowContext::new()).await?);
        }
        gate.add_permits(2);
        assert_eq!(leader.await??, 1);
        assert_eq!(flow.stats().entries, 0);
        assert_eq!(flow.run(ask("q")).await?, 2, "clears: {clears}");
    }
    Ok(())
}

#[tokio::test]
async fn behind_a_step_that_always_fails_ten_thousand_callers_are_two_computations() -> Result<()> {
    let calls = Calls::default();
    let flow = step_with("model", calls.clone(), async |calls: &Calls, _: String| {
        calls.add();
        tokio::task::yield_now().await;
        let error = Error::new(ErrorKind::RateLimited, "slow down");
        Err::<usize, _>(error.with_retry_after(Duration::from_secs(7)))
    })
    .cached(by_text())?
    .with_name("always_fails");
    let flow = Arc::new(flow);
    let callers: Vec<_> = (0..10_000)
        .map(|_| {
            let flow = Arc::clone(&flow);
            tokio::spawn(async move { flow.run(ask("q")).await })
        })
        .collect();
    for caller in callers {
        let error = caller.await?.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert!(error.is_retryable());
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert!(error.to_string().contains("slow down"), "{error}");
    }
    assert_eq!(calls.count(), 2);
    assert_eq!(flow.stats().misses, 10_000);
    Ok(())
}

#[tokio::test]
async fn an_answer_that_may_not_be_kept_is_for_those_who_came_before_it_was_begun() -> Result<()> {
    let calls = Calls::default();
    let flow = step_with("model", calls.clone(), async |calls: &Calls, _: String| {
        calls.add();
        let call = calls.count();
        tokio::task::yield_now().await;
        Ok(call)
    })
    .cached(by_text().with_store_if(|_| false))?
    .with_name("never_kept");
    let flow = Arc::new(flow);
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let flow = Arc::clone(&flow);
            tokio::spawn(async move { flow.run(ask("q")).await })
        })
        .collect();
    let mut answers = Vec::new();
    for caller in callers {
        answers.push(caller.await??);
    }
    answers.sort_unstable();
    assert_eq!(answers[0], 1);
    assert!(
        answers[1..].iter().all(|answer| *answer == 2),
        "{answers:?}"
    );
    assert_eq!(calls.count(), 2);
    assert_eq!(flow.stats().entries, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_follower_keeps_its_own_deadline() -> Result<()> {
    let (calls, gate) = (Calls::default(), Arc::new(Semaphore::new(0)));
    let flow = gated(&calls, &gate, First::Answers).cached(by_text())?;
    let flow = Arc::new(flow.with_name("own_deadline"));
    let leader = {
        let flow = Arc::clone(&flow);
        tokio::spawn(async move { flow.run(ask("q")).await })
    };
    settle().await;
    let begun = tokio::time::Instant::now();
    let ctx = WorkflowContext::builder()
        .clock(|| tokio::time::Instant::now().into_std())
        .deadline((begun + Duration::from_millis(30)).into_std())
        .build();
    let waited = tokio::time::timeout(Duration::from_secs(5), flow.execute(ask("q"), &ctx));
    let error = waited.await?.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(begun.elapsed(), Duration::from_millis(30));
    assert_eq!(calls.count(), 1);
    gate.add_permits(1);
    assert_eq!(leader.await??, 1);
    assert_eq!(flow.stats().misses, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_ran_out_of_time_does_not_fail_those_who_have_more() -> Result<()> {
    let calls = Calls::default();
    let flow = step_with(
        "model",
        calls.clone(),
        async |calls: &Calls, _: String, ctx: &WorkflowContext| {
            calls.add();
            let enough = Duration::from_secs(10);
            let left = ctx.remaining().unwrap_or(enough);
            tokio::time::sleep(left.min(enough)).await;
            if left < enough {
                return Err(Error::new(ErrorKind::Timeout, "no time left"));
            }
            Ok(calls.count())
        },
    )
    .cached(by_text())?;
    let flow = Arc::new(flow);
    let mut callers = Vec::new();
    for seconds in [1, 2, 3, 60, 60] {
        let flow = Arc::clone(&flow);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(seconds);
        let ctx = WorkflowContext::builder()
            .clock(|| tokio::time::Instant::now().into_std())
            .deadline(deadline.into_std())
            .build();
        callers.push(tokio::spawn(
            async move { flow.execute(ask("q"), &ctx).await },
        ));
    }
    let mut ended = Vec::new();
    for caller in callers {
        ended.push(caller.await?.map_err(|error| error.kind()));
    }
    let late = Err(ErrorKind::Timeout);
    assert_eq!(ended[..3], [late, late, late]);
    assert_eq!(ended[3], ended[4]);
    assert!(ended[3].is_ok());
    Ok(())
}

#[tokio::test]
async fn a_computation_that_asks_for_its_own_key_is_told_so_and_others_may_ask_for_another()
-> Result<()> {
    type Cached = tta_core::BoxFlow<u64, u64>;
    let own: Arc<std::sync::OnceLock<Cached>> = Arc::default();
    let flow = step_with(
        "factorial",
        Arc::clone(&own),
        async |own: &Arc<std::sync::OnceLock<Cached>>, n: u64, ctx: &WorkflowContext| {
            let own = own.get().ok_or_else(|| Error::msg("not yet"))?;
            match n {
                0 => Ok(1),
                // Asks for itself, one step further on.
                13 => {
                    tokio::task::yield_now().await;
                    own.execute(13, ctx).await
                }
                n => Ok(n * own.execute(n - 1, ctx).await?),
            }
        },
    )
    .cached(CacheConfig::of_input(Scope::Global))?
    .boxed()?;
    assert!(own.set(flow.clone()).is_ok());
    assert_eq!(flow.run(5).await?, 120);
    let asked = tokio::time::timeout(Duration::from_secs(5), flow.run(13)).await?;
    assert_eq!(asked.unwrap_err().kind(), ErrorKind::Rejected);
    let ctx = WorkflowContext::new();
    let (one, other) = tokio::join!(flow.execute(6, &ctx), flow.execute(6, &ctx));
    assert_eq!((one?, other?), (720, 720));
    Ok(())
}

#[tokio::test]
async fn an_answer_that_was_reported_incomplete_is_not_kept_unless_it_is_wanted() -> Result<()> {
    for (config, computed) in [(by_text(), 2), (by_text().with_incomplete_answers(), 1)] {
        let calls = Calls::default();
        let flow = step_with(
            "model",
            calls.clone(),
            async |calls: &Calls, _: String, ctx: &WorkflowContext| {
                calls.add();
                ctx.report_incomplete();
                Ok(())
            },
        )
        .cached(config)?;
        flow.run(ask("q")).await?;
        flow.run(ask("q")).await?;
        assert_eq!(calls.count(), computed);
    }
    Ok(())
}
