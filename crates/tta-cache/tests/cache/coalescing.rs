//! Many callers of one key.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tta_cache::CacheExt;
use tta_core::{Error, ErrorKind, Flow, Primitive, Result, step_with};

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
            assert!(
                !flow
                    .invalidate(&ask("q"), &tta_core::WorkflowContext::new())
                    .await?
            );
        }
        gate.add_permits(2);
        assert_eq!(leader.await??, 1);
        assert_eq!(flow.stats().entries, 0);
        assert_eq!(flow.run(ask("q")).await?, 2, "clears: {clears}");
    }
    Ok(())
}
